"""The bridge itself on AWS Lambda, as serverless.yml deploys it: API, loops, the minute rule."""
