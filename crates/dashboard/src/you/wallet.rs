//! The wallet: what one has, how one came by it, paying others, the daily claim.

use access::scope::{EconomyPlay, EconomyRead};
use access::web::Provided;
use access::{App, Query};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use economy::TransferWriter;
use economy::model::{Balance, Config, Kind, Occasion, Transaction, TransferRequest};
use economy::transfers::Transfer;
use frame::decode::Typed;
use frame::flash::done;
use frame::form::Form;
use frame::page::{Page, refused, shown_in_form};
use frame::shell::Shell;
use frame::typed::none;
use frame::visit::Member;
use frame::{format, ui};
use futures::{TryFutureExt as _, try_join};
use kernel::{PageQuery, Problem, UserId};
use serde::Deserialize;

/// How many transactions are shown at once.
const SHOWN: i64 = 30;

/// Which transactions.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Filter {
    kind: Option<Kind>,
    cursor: Option<String>,
}

#[derive(Template)]
#[template(path = "you/wallet.html")]
pub(super) struct WalletPage {
    shell: Shell,
    balance: Balance,
    config: Config,
    transactions: Vec<Transaction>,
    kind: Option<Kind>,
    next: Option<String>,
    form: Form,
}

impl WalletPage {
    fn is_in(&self, transaction: &Transaction) -> bool {
        transaction.receiver_id == self.balance.user_id
    }

    /// The other side of a transaction; none where it is the house.
    fn other<'a>(&self, transaction: &'a Transaction) -> Option<(&'a UserId, &'a str)> {
        let (id, name) = if self.is_in(transaction) {
            (&transaction.giver_id, transaction.giver_name.as_str())
        } else {
            (&transaction.receiver_id, transaction.receiver_name.as_str())
        };
        (*id != UserId::HOUSE).then_some((id, name))
    }

    fn amount(&self, transaction: &Transaction) -> String {
        let amount = transaction.amount.get();
        format::signed(if self.is_in(transaction) { amount } else { -amount })
    }

    fn is_chosen(&self, word: &str) -> bool {
        self.kind.map_or("", Kind::as_str) == word
    }

    fn query(&self) -> String {
        self.kind.map(|kind| format!("kind={}", kind.as_str())).unwrap_or_default()
    }
}

async fn page_of(
    app: &App,
    shell: Shell,
    user: UserId,
    filter: Filter,
    form: Form,
) -> Result<WalletPage, Problem> {
    let (pool, guild) = (app.pool(), shell.guild_id);
    let page = PageQuery { limit: Some(SHOWN), cursor: filter.cursor };
    let (balance, config, found) = try_join!(
        economy::ops::balance_get(pool, guild, user).err_into::<Problem>(),
        economy::ops::config_get(pool, guild).err_into::<Problem>(),
        economy::ops::history(pool, guild, Some(user), filter.kind, &page)
    )?;
    let kind = filter.kind;
    Ok(WalletPage { shell, balance, config, transactions: found.items, kind, next: found.next, form })
}

pub(super) async fn show(
    State(app): State<App>,
    member: Member<EconomyRead>,
    Query(filter): Query<Filter>,
) -> Result<Page<WalletPage>, Problem> {
    let user = member.user_id();
    Ok(Page(page_of(&app, member.shell, user, filter, Form::new()).await?))
}

pub(super) async fn daily(State(app): State<App>, member: Member<EconomyPlay>) -> Result<Response, Problem> {
    let (guild, user) = (member.guild_id(), member.user_id());
    match economy::ops::daily_claim(app.pool(), guild, user, Occasion::Command).await.map_err(Problem::from) {
        Ok(receipt) => {
            app.wake().outbox();
            let text = format!(
                "{} bytes for today: day {} in a row. You have {}.",
                format::number(receipt.amount),
                receipt.streak,
                format::number(receipt.balance)
            );
            Ok(done(&app, &member.shell.at("/wallet"), &text))
        }
        Err(problem) if shown_in_form(&problem) => {
            let form = Form::refused(none(), problem.clone());
            let page = page_of(&app, member.shell, user, Filter::default(), form).await?;
            Ok(refused(&page, &problem))
        }
        Err(problem) => Err(problem),
    }
}

#[derive(Template)]
#[template(path = "you/transfer.html")]
pub(super) struct TransferPage {
    shell: Shell,
    balance: Balance,
    config: Config,
    to: Option<people::Member>,
    form: Form,
}

/// Whom to pay.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct To {
    to: Option<UserId>,
}

async fn transfer_of(
    app: &App,
    member: Member<EconomyPlay>,
    to: Option<UserId>,
    form: Form,
) -> Result<TransferPage, Problem> {
    let (pool, guild) = (app.pool(), member.guild_id());
    let known = async {
        let Some(to) = to else { return Ok(None) };
        let mut conn = db::acquire(pool).await?;
        Ok::<_, Problem>(people::member_get(&mut conn, guild, to).await?)
    };
    let (balance, config, to) = try_join!(
        economy::ops::balance_get(pool, guild, member.user_id()).err_into::<Problem>(),
        economy::ops::config_get(pool, guild).err_into::<Problem>(),
        known
    )?;
    Ok(TransferPage { shell: member.shell, balance, config, to, form })
}

pub(super) async fn transfer(
    State(app): State<App>,
    member: Member<EconomyPlay>,
    Query(query): Query<To>,
) -> Result<Page<TransferPage>, Problem> {
    let form = match query.to {
        Some(to) => Form::of(&serde_json::json!({ "receiver_id": to })),
        None => Form::new(),
    };
    Ok(Page(transfer_of(&app, member, query.to, form).await?))
}

pub(super) async fn pay(
    State(app): State<App>,
    member: Member<EconomyPlay>,
    Provided(writer): Provided<TransferWriter>,
    typed: Typed,
) -> Result<Response, Problem> {
    let (guild, user) = (member.guild_id(), member.user_id());
    let paid = async {
        let request: TransferRequest = typed.read()?;
        Ok::<_, Problem>(writer.transfer(Transfer::new(guild, user, &request)?).await?)
    };
    match paid.await {
        Ok(receipt) => {
            let text = format!(
                "{} has {} bytes from you. You have {} left.",
                receipt.transaction.receiver_name,
                format::number(receipt.transaction.amount),
                format::number(receipt.balance)
            );
            Ok(done(&app, &member.shell.at("/wallet"), &text))
        }
        Err(problem) if shown_in_form(&problem) || problem.slug() == "not-found" => {
            let page = transfer_of(&app, member, None, Form::refused(typed, problem.clone())).await?;
            Ok(refused(&page, &problem))
        }
        Err(problem) => Err(problem),
    }
}
