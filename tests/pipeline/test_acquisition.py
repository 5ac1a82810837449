"""How images were acquired, in words."""

from vcfstats.pipeline.evaluation.acquisition import acquisition


def test_one_value_a_range_and_machines():
    found = [
        {"repetition_time_ms": 3000.0, "echo_time_ms": tr, "matrix": m, "manufacturer": "Maker", "model": x}
        for tr, m, x in ((90.0, "320 x 256", "A"), (100.0, "320 x 256", "A"), (110.0, "384 x 384", "B"))
    ]
    found[2].pop("repetition_time_ms")
    assert acquisition(found, 5) == (
        "Acquisition parameters were read from the headers or the accompanying files of 3 of 5 images: repetition time 3000 ms (known of 2); "
        "echo time 100 (median; range 90 to 110) ms; matrix 320 x 256 (2 of them), 384 x 384 (1 of them). "
        "Scanners: Maker A (2 of them), Maker B (1 of them)."
    )
