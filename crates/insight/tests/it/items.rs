//! What questions tell.

use serde_json::{Value, json};

use crate::stage::{Stage, reading};

fn pearson(pairs: &[(f64, f64)]) -> f64 {
    let n = pairs.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / n;
    let (x, y) = (mean(|pair| pair.0), mean(|pair| pair.1));
    let sum = |f: &dyn Fn(&(f64, f64)) -> f64| pairs.iter().map(f).sum::<f64>();
    let cov = sum(&|pair| (pair.0 - x) * (pair.1 - y));
    cov / (sum(&|pair| (pair.0 - x).powi(2)) * sum(&|pair| (pair.1 - y).powi(2))).sqrt()
}

fn covariance(pairs: impl Iterator<Item = (f64, f64)>) -> f64 {
    let pairs: Vec<(f64, f64)> = pairs.collect();
    let n = pairs.len() as f64;
    let (x, y) = (pairs.iter().map(|p| p.0).sum::<f64>() / n, pairs.iter().map(|p| p.1).sum::<f64>() / n);
    pairs.iter().map(|p| (p.0 - x) * (p.1 - y)).sum::<f64>() / n
}

#[tokio::test]
async fn first_tries_tell_good_questions_from_a_wrong_key() {
    let stage = Stage::new().await;
    let quest = stage.quest("quiz", &reading("Quiz", 1)).await;
    let step = stage.steps(quest).await[0];
    let class = stage.class(60).await;
    let mut pairs = Vec::new();
    for (n, learner) in class.iter().enumerate() {
        let past = stage.attempt(*learner, quest, 1).await;
        stage.event(past, 0, "begun", None, chrono::Utc::now()).await;
        // Four questions; the later in the class, the better. The third is keyed the wrong way round.
        let right = |yes: bool| if yes { 1.0 } else { 0.0 };
        let answers = [
            ("easy", Some(if n % 10 > 1 { "yes" } else { "no" }), right(n % 10 > 1)),
            ("hard", Some(if n > 35 { "deep" } else { "shallow" }), right(n > 35)),
            ("keyed", Some(if n > 20 { "truth" } else { "key" }), right(n <= 20)),
            ("middle", if n % 7 == 0 { None } else { Some("m") }, if n > 25 { 0.5 } else { 0.0 }),
        ];
        let total: f64 = answers.iter().map(|one| one.2).sum();
        pairs.push((answers[1].2, (total - answers[1].2) / 3.0));
        stage.answered(past, step, 1, &answers).await;
        // All right the second time, which is not counted.
        stage.answered(past, step, 2, &answers.map(|(item, answer, _)| (item, answer, 1.0))).await;
        if n == 28 {
            stage.count().await;
            let items = stage.ok("GET", &format!("insight/quests/{quest}/items"), None, None).await;
            for item in items.as_array().unwrap() {
                assert_eq!(item["verdict"], json!("too_few"), "29 are too few: {item}");
            }
        }
    }
    stage.count().await;
    let items = stage.ok("GET", &format!("insight/quests/{quest}/items"), None, None).await;
    let of = |name: &str| -> Value {
        items.as_array().unwrap().iter().find(|item| item["item"] == *name).unwrap().clone()
    };
    let hard = of("hard");
    assert_eq!((&hard["facility"]["n"], hard["facility"]["value"].as_f64().unwrap()), (&json!(60), 0.4));
    let r = hard["discrimination"]["value"].as_f64().unwrap();
    assert!((r - pearson(&pairs)).abs() < 1e-6, "{r} is not {}", pearson(&pairs));
    let (mut xs, mut ys): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
    xs.sort_by(f64::total_cmp);
    ys.sort_by(f64::total_cmp);
    let efficiency = covariance(pairs.iter().copied()) / covariance(xs.into_iter().zip(ys));
    assert!((hard["efficiency"].as_f64().unwrap() - efficiency).abs() < 1e-6);
    let keyed = of("keyed");
    assert_eq!(keyed["verdict"], json!("check_the_key"), "{keyed}");
    let truth = keyed["answers"].as_array().unwrap().iter().find(|one| one["answer"] == "\"truth\"").unwrap();
    assert_eq!((&truth["is_right"], &truth["chosen"]["n"]), (&json!(false), &json!(60)));
    assert!(truth["mean_rest"].as_f64().unwrap() > 0.4);
    assert_eq!(of("middle")["omitted"], json!(9));
    assert_eq!(of("middle")["facility"]["value"].as_f64().unwrap(), 34.0 * 0.5 / 60.0);
    let path = format!("/guilds/1/insight/quests/{quest}/items.csv");
    let (_, csv) = stage.house.send_text("GET", &path, None, String::new()).await;
    let lines: Vec<&str> = csv.trim_end().split("\r\n").collect();
    assert_eq!(lines.len(), 5, "{csv}");
    assert!(lines.iter().all(|line| line.split(',').count() == lines[0].split(',').count()), "{csv}");
    let before = stage.everything().await;
    insight::ops::guild_recount(stage.pool(), crate::stage::GUILD).await.unwrap();
    assert_eq!(stage.everything().await, before);
}

#[tokio::test]
async fn a_banks_question_is_told_of_over_all_quizzes_that_draw_it() {
    let stage = Stage::new().await;
    let (one, other) =
        (stage.quest("one", &reading("One", 1)).await, stage.quest("other", &reading("Other", 1)).await);
    let (first, second) = (stage.steps(one).await[0], stage.steps(other).await[0]);
    sqlx::query("INSERT INTO learning.question_banks (guild_id, slug, title, questions) VALUES (1, 'codes', 'Codes', '[]'), (1, 'more', 'More', '[]')")
        .execute(stage.pool())
        .await
        .unwrap();
    for (n, learner) in stage.class(40).await.iter().enumerate() {
        let right = if n < 10 { 1.0 } else { 0.0 };
        let rest = if n < 20 { 1.0 } else { 0.0 };
        let answers = [("codes/a", Some(if n < 10 { "yes" } else { "no" }), right), ("own", Some("x"), rest)];
        let (quest, step) = if n % 2 == 0 { (one, first) } else { (other, second) };
        let past = stage.attempt(*learner, quest, 1).await;
        stage.answered(past, step, 1, &answers).await;
        // Met again elsewhere, all know it: it counts as it was the first time.
        let (quest, step) = if n % 2 == 0 { (other, second) } else { (one, first) };
        let past = stage.attempt(*learner, quest, 1).await;
        stage.answered(past, step, 1, &[("codes/a", Some("yes"), 1.0), ("own", Some("x"), 1.0)]).await;
    }
    let items = stage.ok("GET", "insight/banks/codes/items", None, None).await;
    let items = items.as_array().unwrap();
    assert_eq!(items.len(), 1, "{items:?}");
    let item = &items[0];
    assert_eq!((&item["item"], &item["subject_id"]), (&json!("codes/a"), &Value::Null));
    assert_eq!((&item["facility"]["n"], item["facility"]["value"].as_f64()), (&json!(40), Some(0.25)));
    assert_eq!(
        (&item["answers"][0]["answer"], &item["answers"][0]["is_right"]),
        (&json!("\"no\""), &json!(false))
    );
    assert!(item["discrimination"]["value"].as_f64().unwrap() > 0.4, "{item}");
    assert_eq!(stage.ok("GET", "insight/banks/more/items", None, None).await, json!([]));
    let (status, _) = stage.send("GET", "insight/banks/nowhere/items", None, None).await;
    assert_eq!(status, 404);
}
