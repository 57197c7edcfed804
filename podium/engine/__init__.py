"""The training engine: everything between rows of tokens and a fine-tuned network, in small parts."""
