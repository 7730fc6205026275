"""What a Hugging Face folder holds, read with seeks and without torch: configuration, tensors, tokenizer, head."""
