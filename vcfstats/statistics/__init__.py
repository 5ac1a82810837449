"""The ground floor: statistics on arrays. It knows nothing of files, params, images or plots."""
