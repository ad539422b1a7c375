"""Feature views joined as they were known at the prediction time."""
