//! Signatures as the house has them.

use std::borrow::Cow;
use std::num::ParseIntError;
use std::pin::Pin;

use boxed::boxed;

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Something that borrows, as an author does.
#[derive(Clone, Copy)]
struct Named<'a>(&'a str);

struct Shelf(Vec<String>);

impl Shelf {
    #[boxed]
    async fn put(&mut self, title: &str, by: Named<'_>) -> usize {
        self.0.push(format!("{title} by {}", by.0));
        self.0.len()
    }

    /// What is borrowed is borrowed from the shelf.
    #[boxed]
    async fn titled(&self, start: &str) -> Option<&String> {
        self.0.iter().find(|title| title.starts_with(start))
    }

    #[boxed]
    async fn emptied(mut self) -> Vec<String> {
        std::mem::take(&mut self.0)
    }
}

impl<'a> Named<'a> {
    #[boxed]
    async fn by_heart(self, before: &str) -> String {
        format!("{before}{}", self.0)
    }

    #[boxed]
    async fn of(text: &'a str) -> Named<'a> {
        Named(text)
    }
}

#[boxed]
async fn sum((one, other): (&str, &str), mut more: i64, each: &[Named<'_>]) -> Result<i64, ParseIntError> {
    for Named(number) in each {
        more += number.parse::<i64>()?;
    }
    Ok(more + one.parse::<i64>()? + other.parse::<i64>()?)
}

#[boxed]
async fn said(text: &str) -> Cow<'_, str> {
    text.into()
}

#[boxed]
async fn nothing() {}

#[boxed]
async fn judged(number: i64, judge: &(dyn Fn(&i64) -> bool + Sync)) -> bool {
    judge(&number)
}

/// Coerced where it is returned, as of an `async fn`.
#[boxed]
async fn dynamic(many: usize) -> Box<dyn Fn() -> usize + Send> {
    if many == 0 {
        return Box::new(|| 0);
    }
    Box::new(move || many)
}

#[tokio::test]
async fn what_is_boxed_does_what_it_did() {
    let mut shelf = Shelf(Vec::new());
    assert_eq!(shelf.put("Emma", Named("Austen")).await, 1);
    let start = String::from("Em");
    let titled = shelf.titled(&start).await;
    drop(start);
    assert_eq!(titled.map(String::as_str), Some("Emma by Austen"));
    assert_eq!(shelf.emptied().await, ["Emma by Austen"]);

    assert_eq!(Named("Emma").by_heart("by heart: ").await, "by heart: Emma");
    assert_eq!(Named::of("Emma").await.0, "Emma");
    assert_eq!(sum(("1", "2"), 3, &[Named("4")]).await, Ok(10));
    assert!(sum(("1", "two"), 3, &[]).await.is_err());
    assert_eq!(said("so").await, "so");
    nothing().await;
    assert!(judged(2, &|number| *number == 2).await);
    assert_eq!((dynamic(3).await)(), 3);
    assert_eq!((dynamic(0).await)(), 0);
}

#[tokio::test]
async fn it_is_a_box_that_any_thread_may_have() {
    let text = String::from("so");
    let future: Boxed<'_, Cow<'_, str>> = said(&text);
    assert_eq!(future.await, "so");
    let future: Boxed<'static, ()> = nothing();
    tokio::spawn(future).await.unwrap();
}
