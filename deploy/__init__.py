"""Running Yizhan: private servers, samples, unit files."""
