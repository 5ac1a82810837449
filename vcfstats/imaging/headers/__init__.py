"""Headers of image files, read and judged before any voxel is: what they declare is whole, possible, and in mm.

ITK repairs in silence what it cannot use (a spacing of 0 becomes 1 mm, voxels that are missing become zeros) and follows
a header to any file that it names. What is declared here is checked by these modules alone, and what ITK then returns is
compared with it.
"""
