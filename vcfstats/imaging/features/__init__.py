"""The feature classes: PyRadiomics' definitions, computed on arrays that all image types of a region share."""
