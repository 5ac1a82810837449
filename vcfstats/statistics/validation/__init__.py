"""Internal validation of prediction models: optimism, .632 and .632+, repeated cross-validation."""
