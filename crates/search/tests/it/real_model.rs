//! A real model, where one is given: a folder named by `QUESTHALL_EMBEDDING_MODEL` (docs/search.md says how to get one), and what its own
//! library makes of some texts beside it, `expected.json`.

use std::path::PathBuf;

use search::Search;
use search::rules::vectors::dot;

fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("QUESTHALL_EMBEDDING_MODEL").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: QUESTHALL_EMBEDDING_MODEL names no model");
    }
    folder
}

#[test]
fn like_texts_are_more_like_than_others() {
    let Some(folder) = folder() else { return };
    let search = Search::load(&folder).unwrap();
    let vector = |text: &str| search.embed(text).unwrap();
    let like = |one: &str, other: &str| dot(&vector(one), &vector(other));
    let near = like("How to repeat something with loops", "For and while: doing things again in a program");
    let far = like("How to repeat something with loops", "Cooking a soup of pumpkins");
    assert!(near > far + 0.1, "{near} {far}");
    assert!((dot(&vector("Loops"), &vector("Loops")) - 1.0).abs() < 1e-4);
}

/// `expected.json`: a list of `[text, vector]`, by the model's own library.
#[test]
fn vectors_are_those_of_the_models_own_library() {
    let Some(folder) = folder() else { return };
    let Ok(text) = std::fs::read_to_string(folder.join("expected.json")) else {
        println!("skipped: no expected.json beside the model");
        return;
    };
    let search = Search::load(&folder).unwrap();
    let expected: Vec<(String, Vec<f32>)> = serde_json::from_str(&text).unwrap();
    assert!(!expected.is_empty());
    for (text, vector) in expected {
        let ours = search.embed(&text).unwrap();
        let likeness = dot(&ours, &vector);
        assert!((likeness - 1.0).abs() < 1e-3, "{text}: {likeness}");
    }
}
