"""A function app that starts and stops Faultbridge's experiments. Take out what you do not need."""

from __future__ import annotations

import azure.functions as func

from bridge.triggers import azure

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)


@app.route(route="experiments", methods=["POST"])
def http(req: func.HttpRequest) -> func.HttpResponse:
    """Answer whoever has the function's key."""
    return azure.http(req)


# When is an application setting, such as `0 0 9 * * 1-5`. The host does not repeat a timer that
# failed by itself; the same slot starts nothing twice.
@app.timer_trigger(arg_name="request", schedule="%FAULTBRIDGE_TRIGGER_SCHEDULE%")
@app.retry(strategy="fixed_delay", max_retry_count="3", delay_interval="00:01:00")
def nightly(request: func.TimerRequest) -> None:
    """Carry out one slot of the schedule."""
    azure.timer(request, name="nightly")


@app.event_grid_trigger(arg_name="event")
def event_grid(event: func.EventGridEvent) -> None:
    """Carry out an event: also of the CloudEvents schema."""
    azure.event_grid(event)
