"""A study's model applied to patients of elsewhere: the bundle that holds it, `vcfstats predict` and `vcfstats validate`."""
