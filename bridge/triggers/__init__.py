"""Entrances for events: handlers for AWS Lambda, Google Cloud Functions and Azure Functions.

A handler turns the event it was given into a request to the bridge and returns at once. It may
import everything below the command line except `bridge.sandbox`, its sibling.
"""
