"""Images and masks: reading, checking, preprocessing, radiomics."""
