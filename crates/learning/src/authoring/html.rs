//! HTML as a tree of elements and texts, as browsers read it (html5ever does the reading): what is left open is closed, what is out of
//! place is put where it belongs.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use html5ever::interface::tree_builder::{ElementFlags, NodeOrText, QuirksMode, TreeSink};
use html5ever::tendril::{StrTendril, TendrilSink as _};
use html5ever::{Attribute, ExpandedName, LocalName, Namespace, ParseOpts, QualName, parse_fragment};

/// How deeply elements may lie in each other.
const DEEPEST: usize = 64;
/// The longest text, in bytes. Reading takes time by the square of how deeply elements lie in each other.
pub(super) const LONGEST: usize = 64 * 1024;

/// The namespace of HTML's elements.
const XHTML: &str = "http://www.w3.org/1999/xhtml";

/// What an element holds.
#[derive(Debug)]
pub(super) enum Node {
    Text(String),
    Element(Element),
}

/// An element.
#[derive(Debug)]
pub(super) struct Element {
    pub(super) name: String,
    /// Names and values, each name once.
    pub(super) attributes: Vec<(String, String)>,
    pub(super) children: Vec<Node>,
}

impl Element {
    /// An attribute's value, without blanks around it.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(one, _)| one == name).map(|(_, value)| value.trim())
    }

    /// The elements directly within it.
    pub(super) fn elements(&self) -> impl Iterator<Item = &Self> {
        self.children.iter().filter_map(|child| match child {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    /// Whether there is text directly within it.
    pub(super) fn has_text(&self) -> bool {
        self.children.iter().any(|child| matches!(child, Node::Text(text) if !text.trim().is_empty()))
    }
}

/// Reads what stands in a page. One that is too long, or nested too deeply, is refused.
pub(super) fn parse(html: &str) -> Result<Element, String> {
    if html.len() > LONGEST {
        return Err(format!("its HTML is longer than {} KiB", LONGEST / 1024));
    }
    let body = QualName::new(None, Namespace::from(XHTML), LocalName::from("body"));
    let tree = parse_fragment(Tree::new(), ParseOpts::default(), body, Vec::new(), false).one(html);
    let raws = tree.raws.into_inner();
    // A fragment lies in the first element of its document.
    let root = raws[DOCUMENT].children.first().copied().unwrap_or(DOCUMENT);
    let children = children(&raws, root, 0)?;
    Ok(Element { name: "body".to_owned(), attributes: Vec::new(), children })
}

fn children(raws: &[Raw], of: usize, depth: usize) -> Result<Vec<Node>, String> {
    if depth > DEEPEST {
        return Err("its HTML is nested too deeply".to_owned());
    }
    let mut nodes = Vec::new();
    for &child in &raws[of].children {
        match &raws[child].kind {
            Kind::Text(text) => nodes.push(Node::Text(text.clone())),
            Kind::Element(attributes) => nodes.push(Node::Element(Element {
                name: raws[child].name.local.to_string(),
                attributes: attributes.clone(),
                children: children(raws, child, depth + 1)?,
            })),
            Kind::Other => {}
        }
    }
    Ok(nodes)
}

/// Where the document itself is among the nodes.
const DOCUMENT: usize = 0;

/// A node while the page is read.
#[derive(Debug)]
struct Raw {
    name: Rc<QualName>,
    kind: Kind,
    parent: Option<usize>,
    children: Vec<usize>,
}

#[derive(Debug)]
enum Kind {
    Element(Vec<(String, String)>),
    Text(String),
    /// The document, comments, and what is none of HTML's.
    Other,
}

/// What html5ever knows a node by: its place among the nodes, and its name.
#[derive(Debug, Clone)]
struct Handle {
    at: usize,
    name: Rc<QualName>,
}

/// All nodes, in the order in which they were made. It holds no node by reference, so that it is taken down without going deep.
#[derive(Debug)]
struct Tree {
    raws: RefCell<Vec<Raw>>,
    nameless: Rc<QualName>,
}

impl Tree {
    fn new() -> Self {
        let nameless = Rc::new(QualName::new(None, Namespace::from(""), LocalName::from("")));
        let tree = Self { raws: RefCell::new(Vec::new()), nameless };
        tree.put(None, Kind::Other);
        tree
    }

    fn put(&self, name: Option<QualName>, kind: Kind) -> Handle {
        let name = name.map_or_else(|| Rc::clone(&self.nameless), Rc::new);
        let mut raws = self.raws.borrow_mut();
        raws.push(Raw { name: Rc::clone(&name), kind, parent: None, children: Vec::new() });
        Handle { at: raws.len() - 1, name }
    }

    /// Where a node is among its parent's children.
    fn place(&self, at: usize) -> Option<(usize, usize)> {
        let raws = self.raws.borrow();
        let parent = raws[at].parent?;
        Some((parent, raws[parent].children.iter().position(|child| *child == at)?))
    }

    fn insert(&self, parent: usize, place: usize, new: NodeOrText<Handle>) {
        let child = match new {
            NodeOrText::AppendNode(node) => node.at,
            NodeOrText::AppendText(text) => {
                let mut raws = self.raws.borrow_mut();
                let before =
                    place.checked_sub(1).and_then(|before| raws[parent].children.get(before).copied());
                if let Some(before) = before
                    && let Kind::Text(known) = &mut raws[before].kind
                {
                    known.push_str(&text);
                    return;
                }
                drop(raws);
                self.put(None, Kind::Text(text.to_string())).at
            }
        };
        let mut raws = self.raws.borrow_mut();
        raws[child].parent = Some(parent);
        raws[parent].children.insert(place, child);
    }
}

fn plain(attributes: Vec<Attribute>) -> impl Iterator<Item = (String, String)> {
    attributes.into_iter().map(|one| (one.name.local.to_string(), one.value.to_string()))
}

impl TreeSink for Tree {
    type Handle = Handle;
    type Output = Self;
    type ElemName<'a> = ExpandedName<'a>;

    fn finish(self) -> Self {
        self
    }

    fn parse_error(&self, _: Cow<'static, str>) {}

    fn get_document(&self) -> Handle {
        Handle { at: DOCUMENT, name: Rc::clone(&self.nameless) }
    }

    fn elem_name<'a>(&'a self, target: &'a Handle) -> ExpandedName<'a> {
        target.name.expanded()
    }

    fn create_element(&self, name: QualName, attributes: Vec<Attribute>, _: ElementFlags) -> Handle {
        self.put(Some(name), Kind::Element(plain(attributes).collect()))
    }

    fn create_comment(&self, _: StrTendril) -> Handle {
        self.put(None, Kind::Other)
    }

    fn create_pi(&self, _: StrTendril, _: StrTendril) -> Handle {
        self.put(None, Kind::Other)
    }

    fn append(&self, parent: &Handle, child: NodeOrText<Handle>) {
        let last = self.raws.borrow()[parent.at].children.len();
        self.insert(parent.at, last, child);
    }

    fn append_based_on_parent_node(&self, element: &Handle, previous: &Handle, child: NodeOrText<Handle>) {
        if self.raws.borrow()[element.at].parent.is_some() {
            self.append_before_sibling(element, child);
        } else {
            self.append(previous, child);
        }
    }

    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {}

    /// What a template holds lies in it as in any element: templates are refused by who reads the tree.
    fn get_template_contents(&self, target: &Handle) -> Handle {
        target.clone()
    }

    fn same_node(&self, one: &Handle, other: &Handle) -> bool {
        one.at == other.at
    }

    fn set_quirks_mode(&self, _: QuirksMode) {}

    fn append_before_sibling(&self, sibling: &Handle, new: NodeOrText<Handle>) {
        if let NodeOrText::AppendNode(node) = &new {
            self.remove_from_parent(node);
        }
        if let Some((parent, place)) = self.place(sibling.at) {
            self.insert(parent, place, new);
        }
    }

    fn add_attrs_if_missing(&self, target: &Handle, attributes: Vec<Attribute>) {
        if let Kind::Element(known) = &mut self.raws.borrow_mut()[target.at].kind {
            for (name, value) in plain(attributes) {
                if known.iter().all(|(one, _)| *one != name) {
                    known.push((name, value));
                }
            }
        }
    }

    fn remove_from_parent(&self, target: &Handle) {
        if let Some((parent, place)) = self.place(target.at) {
            let mut raws = self.raws.borrow_mut();
            raws[parent].children.remove(place);
            raws[target.at].parent = None;
        }
    }

    fn reparent_children(&self, node: &Handle, new_parent: &Handle) {
        let mut raws = self.raws.borrow_mut();
        let moved = std::mem::take(&mut raws[node.at].children);
        for child in &moved {
            raws[*child].parent = Some(new_parent.at);
        }
        raws[new_parent.at].children.extend(moved);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tree in parentheses.
    fn shown(element: &Element) -> String {
        let inner = element.children.iter().map(|child| match child {
            Node::Text(text) => text.clone(),
            Node::Element(element) => shown(element),
        });
        format!("{}({})", element.name, inner.collect::<String>())
    }

    #[test]
    fn pages_are_read_as_browsers_read_them() {
        for (html, tree) in [
            ("a &lt;b&gt; &amp;amp;", "body(a <b> &amp;)"),
            ("<p>one<p>two", "body(p(one)p(two))"),
            ("<b><i>x</b>y</i>", "body(b(i(x))i(y))"),
            ("<table>x<tr><td>1</table>", "body(xtable(tbody(tr(td(1)))))"),
            ("<pl-x a=1>t</pl-x><!-- c --><html><body>z", "body(pl-x(t)z)"),
            ("<template><b>x</b></template>", "body(template(b(x)))"),
            ("<script><b>x</b></script>", "body(script(<b>x</b>))"),
            ("<svg><script>x</script></svg>", "body(svg(script(x)))"),
            ("</p></div>", "body(p())"),
        ] {
            assert_eq!(shown(&parse(html).unwrap()), tree, "{html}");
        }
        let page = parse("<pl-x A=' 1 ' a=2 b></pl-x>").unwrap();
        let first = page.elements().next().unwrap();
        assert_eq!(
            (first.attribute("a"), first.attribute("b"), first.attribute("c")),
            (Some("1"), Some(""), None)
        );
    }

    #[test]
    fn pages_that_would_take_long_or_go_deep_are_refused() {
        let deep = "<div>".repeat(10_000);
        assert_eq!(parse(&deep).unwrap_err(), "its HTML is nested too deeply");
        assert_eq!(parse(&"x".repeat(LONGEST + 1)).unwrap_err(), "its HTML is longer than 64 KiB");
    }
}
