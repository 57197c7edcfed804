"""Span question answering: a question, a context, and the part of the context that answers."""
