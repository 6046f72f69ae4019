"""The bridge on AWS Lambda: what serverless.yml includes, and how the package is made."""
