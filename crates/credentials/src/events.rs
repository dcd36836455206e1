//! The events of credentials, as the catalogue lists them.

jobs::declare_events! {
    read "credentials:read", admin "credentials:write";

    "credential.issued" Member "a credential was issued to a member" {
        user_id: Snowflake = "175928847299117063", "the member";
        credential_id: Uuid = "7d3f9c1e-6c1e-4c0b-9f3d-2a1b0c4d5e6f", "the credential";
        badge_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "what it is for";
        name: Text = "Rust from the start", "the badge's name";
        replaces (optional): Uuid = "1c0b7d3f-6c1e-4c0b-9f3d-2a1b0c4d5e6f", "the credential that it stands in for, where it was issued anew";
    }
    "credential.revoked" Member "a credential was revoked" {
        user_id: Snowflake = "175928847299117063", "the member";
        credential_id: Uuid = "7d3f9c1e-6c1e-4c0b-9f3d-2a1b0c4d5e6f", "the credential";
        badge_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "what it was for";
        name: Text = "Rust from the start", "the badge's name";
        reason: Text = "Issued by mistake", "why";
    }
}
