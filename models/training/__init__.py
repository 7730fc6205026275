"""Training a judge over a frozen backbone: rows of labelled steps in, adapter, head and card out."""
