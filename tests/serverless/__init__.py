"""The service on AWS Lambda, as serverless.yml deploys it."""
