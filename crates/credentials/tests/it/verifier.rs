//! What another verifier of Open Badges looks at: `script/check-credentials` has it verify what is written here.

use std::path::Path;

use serde_json::{Value, json};

use crate::badges::PIXEL;
use crate::stage::{ADA, Stage, said};

#[tokio::test]
async fn what_another_verifier_looks_at() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("credentials");
    std::fs::create_dir_all(&folder).unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).unwrap();
    for algorithm in ["ES256", "EdDSA"] {
        let stage = Stage::new().await;
        stage.ok("POST", "credentials/keys", None, Some(json!({ "algorithm": algorithm }))).await;
        let path = stage.path("rust").await;
        let badge = stage.badge(&path.0, json!({ "valid_days": 365 })).await;
        let put = format!("credentials/badges/{badge}/image");
        stage.ok("PUT", &put, None, Some(json!({ "png": PIXEL }))).await;
        stage.complete(ADA, &path).await;
        stage.deliver().await;
        let id = stage.mine(ADA).await[0]["id"].as_str().unwrap().to_owned();
        let document = stage.document(ADA, &id).await;
        let (header, claims): (Value, Value) = said(&document);
        let baked = stage.send("GET", &format!("credentials/mine/{id}/image"), Some(ADA), None).await;
        write(&format!("{algorithm}.jwt"), document.as_bytes());
        write(&format!("{algorithm}.png"), &baked.bytes);
        write(&format!("{algorithm}.jwk"), &stage.at_address(header["kid"].as_str().unwrap()).await.bytes);
        let list = claims["credentialStatus"]["statusListCredential"].as_str().unwrap();
        write(&format!("{algorithm}.before"), &stage.at_address(list).await.bytes);
        let revocation = json!({ "reason": "To see whether it is seen" });
        stage.ok("POST", &format!("credentials/{id}/revocation"), None, Some(revocation)).await;
        write(&format!("{algorithm}.after"), &stage.at_address(list).await.bytes);
    }
}
