//! The events of this slice, as the catalogue lists them.

jobs::declare_events! {
    read "webhooks:read", admin "webhooks:write";

    "webhook.disabled" Admins "a webhook was disabled because it failed for days, or answered 410" {
        webhook_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the webhook";
        name: Text = "our site", "its name";
        reason: Text = "FAILING", "FAILING or GONE";
        failing_since (optional): Time = "2026-12-01T18:00:03.217Z", "its first failure since the last success";
        error (optional): Text = "the endpoint answered 500", "why the latest attempt failed";
    }
}
