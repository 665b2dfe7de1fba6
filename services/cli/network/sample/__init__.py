"""The sample day (样例日): reports that read like the real thing, sent through the public edges."""
