"""What a pacer keeps account of: money, calls under way, rates, volume, true costs."""
