"""Entrances for events: handlers for AWS Lambda, Google Cloud Functions and Azure Functions.

A handler turns the event it was given into a request to the bridge, by declared `rules`, and
answers in its platform's terms: `aws`, `gcp`, `azure`. Only those of CodeDeploy and Step Functions
wait for a run's end, since that is what they are asked for.

`service` is the bridge itself in AWS Lambda, for which little of this holds.

A handler may import everything below the command line except `bridge.sandbox`, its sibling; what a
cold start should not wait for (the service, a cloud's SDK) it does not.
"""
