"""Signals read off an answer, their calibration to P(correct), and its fusion with `p_correct`."""
