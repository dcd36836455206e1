//! What a guild offers its members: squads, the shop, the board, seasons.

use access::scope::{CommunityWrite, SquadsWrite};
use access::{App, Path, Query};
use axum::extract::State;
use axum::response::Response;
use community::board::model::{BoardQuery, BoardStatus, NewBoardQuest};
use community::ids::{BoardQuestId, PurchaseId, ShopItemId};
use community::shop::model::{ItemKind, NewShopItem, PurchaseQuery, PurchaseStatus};
use futures::{TryFutureExt as _, try_join};
use kernel::{PageQuery, Problem, SquadId};
use progress::ids::SeasonId;
use progress::seasons::model::{NewSeason, RollSeason, SeasonState};
use serde::Deserialize;
use serde_json::json;
use squads::model::{Assignment, NewSquad, SquadEdit};

use super::Cursor;
use super::sheet::{
    Sheet, actions, again, button, choices, field, form, join, link, says, table, text, when,
};
use crate::decode::Typed;
use crate::flash::done;
use crate::form::Form;
use crate::html::Html;
use crate::page::Page;
use crate::shell::Shell;
use crate::visit::Visit;
use crate::{format, ui};

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct SquadPath {
    squad_id: SquadId,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct ItemPath {
    item_id: ShopItemId,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct PurchasePath {
    purchase_id: PurchaseId,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct QuestPath {
    board_quest_id: BoardQuestId,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct SeasonPath {
    season_id: SeasonId,
}

fn squad_fields(values: &Form) -> Vec<Html> {
    vec![
        field(&values.line("name", "Name").required().max_length(100)),
        field(&values.line("description:null", "What it is about").max_length(500)),
        field(&values.line("role_id:null", "Role on Discord").exact().help("A Discord id.")),
        field(&values.number("switch_cost:int", "Moving to it costs, in bytes").between(0, 1_000_000)),
        field(&values.number("max_members:int-null", "At most so many members")),
    ]
}

async fn squads_page(app: &App, shell: Shell, cursor: Cursor, told: Form) -> Result<Sheet, Problem> {
    let page = squads::ops::squad_list(app.pool(), shell.guild_id, true, &cursor.page()).await?;
    let rows = page.items.iter().map(|squad| {
        vec![
            link(shell.at(&format!("/staff/squads/{}", squad.id)), &squad.name),
            text(format::number(squad.member_count)),
            text(format::number(squad.switch_cost)),
            if squad.is_active { ui::seal("on", "Open") } else { ui::seal("bad", "Retired") },
        ]
    });
    let rows = rows.collect();
    let list = join([
        table("Squads", &["Squad", "#Members", "#Moving costs", "State"], rows, "There is none yet."),
        ui::more(shell.at("/staff/squads"), "", page.next.as_ref()),
    ]);
    let action = shell.at("/staff/squads");
    let new = form(&shell, &action, squad_fields(&told), [button("make", "Make it", "primary")]);
    Ok(Sheet::new(shell, "Squads").of(told).part("Squads", list).part("New squad", new))
}

pub(super) async fn squads(
    State(app): State<App>,
    visit: Visit<SquadsWrite>,
    Query(cursor): Query<Cursor>,
) -> Result<Page<Sheet>, Problem> {
    let values = Form::of(&json!({ "switch_cost": 50 }));
    Ok(Page(squads_page(&app, visit.shell, cursor, values).await?))
}

pub(super) async fn squad_create(
    State(app): State<App>,
    visit: Visit<SquadsWrite>,
    typed: Typed,
) -> Result<Response, Problem> {
    let create = async {
        let new: NewSquad = typed.read()?;
        let (by, origin) = (visit.guild.by(), &visit.guild.origin);
        Ok::<_, Problem>(squads::ops::squad_create(app.pool(), visit.guild_id(), new, by, origin).await?)
    };
    match create.await {
        Ok(made) => Ok(done(&app, &visit.shell.at("/staff/squads"), &format!("{} is there.", made.name))),
        Err(problem) => {
            let (form, problem) = again(typed, problem)?;
            Ok(squads_page(&app, visit.shell, Cursor::default(), form).await?.refused(&problem))
        }
    }
}

async fn squad_page(app: &App, shell: Shell, id: SquadId, refused: Option<Form>) -> Result<Sheet, Problem> {
    let (pool, guild) = (app.pool(), shell.guild_id);
    let all = PageQuery { limit: Some(200), cursor: None };
    let (squad, members) = try_join!(
        squads::ops::squad_get(pool, guild, id).err_into::<Problem>(),
        squads::ops::member_list(pool, guild, id, &all).err_into::<Problem>()
    )?;
    let own = shell.at(&format!("/staff/squads/{id}"));
    let values = refused.unwrap_or_else(|| Form::of(&squad));
    let change = form(&shell, &own, squad_fields(&values), [button("keep", "Keep", "primary")]);
    let rows = members.items.iter().map(|member| {
        let out = format!("{own}/remove?user_id={}", member.user_id);
        vec![
            ui::member(&shell, &member.user_id, &member.user_id.to_string()),
            shell.button(&out, "Take out", "quiet"),
        ]
    });
    let members = join([
        table("Members", &["Who", ""], rows.collect(), "Nobody yet."),
        form(
            &shell,
            &format!("{own}/assign"),
            [
                field(&values.line("user_id", "Discord id").exact().required()),
                field(&values.check("force:bool", "Even if they are in another squad, or it is full")),
            ],
            [button("add", "Put them in", "")],
        ),
    ]);
    let is_active = squad.is_active;
    let retire = join([
        says("Nobody can join it any more, and its members are in no squad. What it has won stays with it."),
        shell.button(&format!("{own}/retire"), "Retire it", "grave"),
    ]);
    Ok(Sheet::new(shell, squad.name)
        .below("/staff/squads", "Squads")
        .of(values)
        .part("Settings", change)
        .part("Members", members)
        .part_if(is_active, "Retire it", |_| retire))
}

pub(super) async fn squad(
    State(app): State<App>,
    visit: Visit<SquadsWrite>,
    Path(path): Path<SquadPath>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(squad_page(&app, visit.shell, path.squad_id, None).await?))
}

/// The squad's page again, or what was done on it.
async fn squad_told(
    app: &App,
    (shell, id): (Shell, SquadId),
    typed: Typed,
    said: Result<&'static str, Problem>,
) -> Result<Response, Problem> {
    match said {
        Ok(said) => {
            app.wake().outbox();
            Ok(done(app, &shell.at(&format!("/staff/squads/{id}")), said))
        }
        Err(problem) => {
            let (form, problem) = again(typed, problem)?;
            Ok(squad_page(app, shell, id, Some(form)).await?.refused(&problem))
        }
    }
}

pub(super) async fn squad_update(
    State(app): State<App>,
    visit: Visit<SquadsWrite>,
    Path(path): Path<SquadPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let id = path.squad_id;
    let update = async {
        let edit: SquadEdit = typed.read()?;
        let (by, origin) = (visit.guild.by(), &visit.guild.origin);
        squads::ops::squad_update(app.pool(), visit.guild_id(), id, edit, by, origin).await?;
        Ok::<_, Problem>("It is kept.")
    };
    let said = update.await;
    squad_told(&app, (visit.shell, id), typed, said).await
}

pub(super) async fn squad_assign(
    State(app): State<App>,
    visit: Visit<SquadsWrite>,
    Path(path): Path<SquadPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let id = path.squad_id;
    let assign = async {
        let assignment: Assignment = typed.read()?;
        let (by, origin) = (visit.guild.by(), &visit.guild.origin);
        squads::ops::member_assign(app.pool(), visit.guild_id(), id, &assignment, by, origin).await?;
        Ok::<_, Problem>("They are in.")
    };
    let said = assign.await;
    squad_told(&app, (visit.shell, id), typed, said).await
}

pub(super) async fn squad_remove(
    State(app): State<App>,
    visit: Visit<SquadsWrite>,
    Path(path): Path<SquadPath>,
    Query(who): Query<super::Who>,
    typed: Typed,
) -> Result<Response, Problem> {
    let id = path.squad_id;
    let (by, origin) = (visit.guild.by(), &visit.guild.origin);
    let removed = squads::ops::member_remove(app.pool(), visit.guild_id(), id, who.user_id, by, origin).await;
    let said = removed.map(|_| "They are out.").map_err(Problem::from);
    squad_told(&app, (visit.shell, id), typed, said).await
}

pub(super) async fn squad_retire(
    State(app): State<App>,
    visit: Visit<SquadsWrite>,
    Path(path): Path<SquadPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let id = path.squad_id;
    let (by, origin) = (visit.guild.by(), &visit.guild.origin);
    let retired = squads::ops::squad_deactivate(app.pool(), visit.guild_id(), id, by, origin).await;
    let said = retired.map(|_| "It is retired.").map_err(Problem::from);
    squad_told(&app, (visit.shell, id), typed, said).await
}

async fn shop_page(app: &App, shell: Shell, cursor: Cursor, told: Form) -> Result<Sheet, Problem> {
    let (pool, guild) = (app.pool(), shell.guild_id);
    let pending = PurchaseQuery { status: Some(PurchaseStatus::Paid), ..PurchaseQuery::default() };
    let page = cursor.page();
    let (items, waiting) = try_join!(
        community::shop::ops::item_list(pool, guild, true, &page).err_into::<Problem>(),
        community::shop::ops::purchase_list(pool, guild, pending).err_into::<Problem>()
    )?;
    let rows = items.items.iter().map(|item| {
        let own = shell.at(&format!("/staff/shop/{}/remove", item.id));
        vec![
            text(&item.name),
            text(format::number(item.price_gold)),
            text(item.stock.map_or_else(|| "Any number".to_owned(), format::number)),
            if item.active { ui::seal("on", "For sale") } else { ui::seal("", "Removed") },
            if item.active { shell.button(&own, "Remove", "quiet") } else { Html::default() },
        ]
    });
    let items = join([
        table("Items", &["Item", "#Gold", "#In stock", "State", ""], rows.collect(), "Nothing is for sale."),
        ui::more(shell.at("/staff/shop"), "", items.next.as_ref()),
    ]);
    let rows = waiting.items.iter().map(|bought| {
        let own = |deed: &str| shell.at(&format!("/staff/shop/purchases/{}/{deed}", bought.id));
        vec![
            text(format!("{} × {}", bought.quantity, bought.item_name)),
            ui::member(&shell, &bought.user_id, &bought.user_id.to_string()),
            text(format::number(bought.price_gold)),
            format::time(&bought.created_at),
            actions([
                shell.button(&own("fulfil"), "Handed over", ""),
                shell.button(&own("refund"), "Give the gold back", "quiet"),
            ]),
        ]
    });
    let waiting = table(
        "Purchases",
        &["What", "Who", "#Gold", "When", ""],
        rows.collect(),
        "Nobody waits for anything.",
    );
    let kinds = choices(&[
        (ItemKind::Custom.as_str(), "Something that staff hand over"),
        (ItemKind::Role.as_str(), "A role on Discord"),
    ]);
    let new = form(
        &shell,
        &shell.at("/staff/shop"),
        [
            field(&told.line("name", "Name").required().max_length(100)),
            field(
                &told.line("slug", "Short name").exact().required().help("Small letters, digits and dashes."),
            ),
            field(&told.text("description", "About it", 3).help("Markdown.").max_length(1_000)),
            field(&told.number("price_gold:int", "Costs, in gold").between(0, 1_000_000).required()),
            field(&told.choice("kind", "What it is", &kinds)),
            field(&told.line("role_id", "Role on Discord").exact().help("Its id, where it is one.")),
            field(&told.number("stock:int", "In stock").help("Any number unless told.")),
            field(&told.number("per_user_limit:int", "At most so many for one member")),
        ],
        [button("make", "Put it up", "primary")],
    );
    Ok(Sheet::new(shell, "Shop").of(told).part("Waiting", waiting).part("Items", items).part("New item", new))
}

pub(super) async fn shop(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Query(cursor): Query<Cursor>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(shop_page(&app, visit.shell, cursor, Form::new()).await?))
}

/// The shop's page again, or what was done on it.
async fn shop_told<T>(
    app: &App,
    shell: Shell,
    typed: Typed,
    (done_so, said): (Result<T, Problem>, &str),
) -> Result<Response, Problem> {
    match done_so {
        Ok(_) => {
            app.wake().outbox();
            Ok(done(app, &shell.at("/staff/shop"), said))
        }
        Err(problem) => {
            let (form, problem) = again(typed, problem)?;
            Ok(shop_page(app, shell, Cursor::default(), form).await?.refused(&problem))
        }
    }
}

pub(super) async fn item_create(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    typed: Typed,
) -> Result<Response, Problem> {
    let create = async {
        let new: NewShopItem = typed.read()?;
        let author = visit.guild.author();
        Ok(community::shop::ops::item_create(app.pool(), visit.guild_id(), new, author).await?)
    };
    let made = create.await;
    shop_told(&app, visit.shell, typed, (made, "It is for sale.")).await
}

pub(super) async fn item_remove(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Path(path): Path<ItemPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let author = visit.guild.author();
    let gone = community::shop::ops::item_remove(app.pool(), visit.guild_id(), path.item_id, author).await;
    shop_told(&app, visit.shell, typed, (gone.map_err(Problem::from), "It is for sale no more.")).await
}

pub(super) async fn purchase_fulfil(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Path(path): Path<PurchasePath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let author = visit.guild.author();
    let done_so =
        community::shop::ops::purchase_fulfil(app.pool(), visit.guild_id(), path.purchase_id, author).await;
    shop_told(&app, visit.shell, typed, (done_so.map_err(Problem::from), "It is handed over.")).await
}

pub(super) async fn purchase_refund(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Path(path): Path<PurchasePath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let author = visit.guild.author();
    let done_so =
        community::shop::ops::purchase_refund(app.pool(), visit.guild_id(), path.purchase_id, author).await;
    shop_told(&app, visit.shell, typed, (done_so.map_err(Problem::from), "The gold is back.")).await
}

async fn board_page(app: &App, shell: Shell, cursor: Cursor, told: Form) -> Result<Sheet, Problem> {
    let query = BoardQuery { cursor: cursor.cursor, ..BoardQuery::default() };
    let page = community::board::ops::quest_list(app.pool(), shell.guild_id, query).await?;
    let rows = page.items.iter().map(|quest| {
        let own = |deed: &str| shell.at(&format!("/staff/board/{}/{deed}", quest.id));
        let mut ways = Vec::new();
        if quest.claimed_by.is_some() && quest.status != BoardStatus::Complete {
            ways.push(shell.button(&own("complete"), "It is done", ""));
            ways.push(shell.button(&own("release"), "Free it", "quiet"));
        } else if quest.active && quest.status != BoardStatus::Complete {
            ways.push(shell.button(&own("remove"), "Take it down", "quiet"));
        }
        vec![
            link(shell.at(&format!("/board/{}", quest.id)), &quest.title),
            text(format!(
                "{} XP, {} gold",
                format::number(quest.xp_reward),
                format::number(quest.gold_reward)
            )),
            text(format::word(quest.status.as_str())),
            quest
                .claimed_by
                .as_ref()
                .map(|user| ui::member(&shell, user, &user.to_string()))
                .unwrap_or_default(),
            when(quest.expires_at.as_ref()),
            actions(ways),
        ]
    });
    let heads = ["Quest", "Brings", "State", "Who", "Until", ""];
    let list = join([
        table("Quests", &heads, rows.collect(), "The board is empty."),
        ui::more(shell.at("/staff/board"), "", page.next.as_ref()),
    ]);
    let new = form(
        &shell,
        &shell.at("/staff/board"),
        [
            field(&told.line("title", "Title").required().max_length(200)),
            field(&told.text("description", "What is to be done", 6).help("Markdown.").max_length(10_000)),
            field(&told.number("xp_reward:int", "Brings XP").between(0, 1_000_000)),
            field(&told.number("gold_reward:int", "Brings gold").between(0, 1_000_000)),
            field(&told.number("claim_hours:int", "Who takes it has so many hours").between(1, 8_760)),
            field(&told.time("expires_at:time", "Until").help("In UTC.")),
            field(&told.line("github_issue_url", "Issue on GitHub").exact()),
        ],
        [button("make", "Put it up", "primary")],
    );
    Ok(Sheet::new(shell, "Board").of(told).part("Quests", list).part("New quest", new))
}

pub(super) async fn board(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Query(cursor): Query<Cursor>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(board_page(&app, visit.shell, cursor, Form::new()).await?))
}

/// The board's page again, or what was done on it.
async fn board_told<T>(
    app: &App,
    shell: Shell,
    typed: Typed,
    (done_so, said): (Result<T, Problem>, &str),
) -> Result<Response, Problem> {
    match done_so {
        Ok(_) => {
            app.wake().outbox();
            Ok(done(app, &shell.at("/staff/board"), said))
        }
        Err(problem) => {
            let (form, problem) = again(typed, problem)?;
            Ok(board_page(app, shell, Cursor::default(), form).await?.refused(&problem))
        }
    }
}

pub(super) async fn board_create(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    typed: Typed,
) -> Result<Response, Problem> {
    let create = async {
        let new: NewBoardQuest = typed.read()?;
        let (author, once) = (visit.guild.author(), access::web::idempotency::Repeatable::current());
        Ok(community::board::ops::quest_create(app.pool(), visit.guild_id(), new, author, &once).await?)
    };
    let made = create.await;
    board_told(&app, visit.shell, typed, (made, "It is on the board.")).await
}

macro_rules! board_deeds {
    ($($name:ident, $op:ident, $said:literal;)*) => {
        $(
            pub(super) async fn $name(
                State(app): State<App>,
                visit: Visit<CommunityWrite>,
                Path(path): Path<QuestPath>,
                typed: Typed,
            ) -> Result<Response, Problem> {
                let (guild, id, author) = (visit.guild_id(), path.board_quest_id, visit.guild.author());
                let done_so = community::board::ops::$op(app.pool(), guild, id, author).await;
                board_told(&app, visit.shell, typed, (done_so.map_err(Problem::from), $said)).await
            }
        )*
    };
}
board_deeds! {
    board_complete, quest_complete, "It is done, and its reward is paid.";
    board_release, quest_release, "Others can take it on now.";
    board_remove, quest_remove, "It is off the board.";
}

async fn seasons_page(app: &App, shell: Shell, cursor: Cursor, told: Form) -> Result<Sheet, Problem> {
    let page = progress::seasons::ops::season_list(app.pool(), shell.guild_id, &cursor.page()).await?;
    let rows = page.items.iter().map(|season| {
        let own = |deed: &str| shell.at(&format!("/staff/seasons/{}/{deed}", season.id));
        vec![
            link(shell.at(&format!("/seasons/{}", season.id)), &season.name),
            match season.state {
                SeasonState::Planned => ui::seal("soon", "Planned"),
                SeasonState::Active => ui::seal("on", "Runs"),
                SeasonState::Ended => ui::seal("done", "Over"),
            },
            format::time(&season.starts_at),
            format::time(&season.ends_at),
            match season.state {
                SeasonState::Active => link(own("end"), "End it now"),
                _ => Html::default(),
            },
        ]
    });
    let list = join([
        table("Seasons", &["Season", "State", "From", "To", ""], rows.collect(), "There was none."),
        ui::more(shell.at("/staff/seasons"), "", page.next.as_ref()),
    ]);
    let new = form(
        &shell,
        &shell.at("/staff/seasons"),
        [
            field(&told.line("name", "Name").required().max_length(100)),
            field(&told.time("starts_at:time", "Starts").help("In UTC; now unless told.")),
            field(&told.time("ends_at:time", "Ends").required().help("In UTC.")),
            field(&told.check("repeats:bool", "Another one follows, as long")),
        ],
        [button("make", "Make it", "primary")],
    );
    Ok(Sheet::new(shell, "Seasons").of(told).part("Seasons", list).part("New season", new))
}

pub(super) async fn seasons(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Query(cursor): Query<Cursor>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(seasons_page(&app, visit.shell, cursor, Form::new()).await?))
}

pub(super) async fn season_create(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    typed: Typed,
) -> Result<Response, Problem> {
    let create = async {
        let new: NewSeason = typed.read()?;
        let author = visit.guild.author();
        let made = progress::seasons::ops::season_create(app.pool(), visit.guild_id(), new, author).await?;
        app.wake().outbox();
        Ok::<_, Problem>(made)
    };
    match create.await {
        Ok(made) => Ok(done(&app, &visit.shell.at("/staff/seasons"), &format!("{} is there.", made.name))),
        Err(problem) => {
            let (form, problem) = again(typed, problem)?;
            Ok(seasons_page(&app, visit.shell, Cursor::default(), form).await?.refused(&problem))
        }
    }
}

async fn season_end_page(app: &App, shell: Shell, id: SeasonId, told: Form) -> Result<Sheet, Problem> {
    let season = progress::seasons::ops::season_get(app.pool(), shell.guild_id, id).await?;
    let body = join([
        says(
            "Its standings are final, and everybody's stars and XP of the season begin anew with the next one.",
        ),
        form(
            &shell,
            &shell.at(&format!("/staff/seasons/{id}/end")),
            [field(&told.line("reason", "Why").max_length(500))],
            [button("yes", "End it", "grave"), link(shell.at("/staff/seasons"), "Not now")],
        ),
    ]);
    Ok(Sheet::new(shell, format!("End {}?", season.name))
        .below("/staff/seasons", "Seasons")
        .of(told)
        .part("What will happen", body))
}

pub(super) async fn season_ask_end(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Path(path): Path<SeasonPath>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(season_end_page(&app, visit.shell, path.season_id, Form::new()).await?))
}

pub(super) async fn season_end(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Path(path): Path<SeasonPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let (guild, id) = (visit.guild_id(), path.season_id);
    let end = async {
        let roll: RollSeason = typed.read()?;
        let author = visit.guild.author();
        let rolled = progress::seasons::ops::season_roll(app.pool(), guild, id, roll, author).await?;
        app.wake().outbox();
        Ok::<_, Problem>(rolled)
    };
    match end.await {
        Ok(rolled) => {
            let said = format!("{} is over: {} standings are final.", rolled.ended.name, rolled.standings);
            Ok(done(&app, &visit.shell.at("/staff/seasons"), &said))
        }
        Err(problem) => {
            let (form, problem) = again(typed, problem)?;
            Ok(season_end_page(&app, visit.shell, id, form).await?.refused(&problem))
        }
    }
}
