//! What keys may be permitted about credentials.

access::decl_scopes! {
    /// Of credentials.
    CREDENTIALS;
    CredentialsRead = "credentials:read", [Member], "See and download one's own credentials; have them issued anew under one's name.";
    CredentialsWrite = "credentials:write", [Instructor],
        "See all credentials of the guild; make badges, issue, revoke, change the guild's signing key.";
}
