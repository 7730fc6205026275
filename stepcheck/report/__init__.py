"""What was judged, as text for people and for machines."""
