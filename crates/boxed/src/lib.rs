//! [`macro@boxed`], an attribute for functions that many await. It knows nothing of the rest of the house, and is used as `kernel::boxed`.

use proc_macro::TokenStream;
use proc_macro2::Span;
use quote::quote;
use syn::visit_mut::{self, VisitMut};
use syn::{
    Error, ItemFn, Lifetime, ParenthesizedGenericArguments, Receiver, ReturnType, Type, TypeBareFn,
    TypeReference, parse_quote,
};

/// Makes of an `async fn` a function that returns its future in a box, as `Pin<Box<dyn Future<Output = …> + Send + '_>>`, so that its body is
/// compiled once, where it stands: that of an `async fn` is a closure, which the compiler makes anew, with all that it awaits, in every part
/// of every crate that awaits it. `docs/adr/0052-boxed-futures.md` has what that came to.
///
/// For functions without type parameters that other crates' handlers await, or several functions of their own crate, and that do more than
/// pass on to another. What it costs is an allocation, so nothing beside a statement. It stands below `#[tracing::instrument]`.
///
/// ```
/// # use boxed::boxed;
/// struct Shelf(Vec<String>);
///
/// impl Shelf {
///     /// Puts a book there, and says how many there are now.
///     #[boxed]
///     pub async fn put(&mut self, title: &str) -> Result<usize, std::num::TryFromIntError> {
///         self.0.push(title.to_owned());
///         let many = u8::try_from(self.0.len())?;
///         Ok(many.into())
///     }
/// }
/// ```
///
/// It is for an `async fn`:
///
/// ```compile_fail
/// #[boxed::boxed]
/// fn one() -> u8 {
///     1
/// }
/// ```
#[proc_macro_attribute]
pub fn boxed(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut function = syn::parse_macro_input!(item as ItemFn);
    if !arguments.is_empty() {
        return Error::new(Span::call_site(), "`boxed` takes no arguments").into_compile_error().into();
    }
    match expand(&mut function) {
        Ok(()) => quote!(#function).into(),
        Err(error) => error.into_compile_error().into(),
    }
}

fn expand(function: &mut ItemFn) -> syn::Result<()> {
    let signature = &mut function.sig;
    if signature.asyncness.take().is_none() {
        return Err(Error::new_spanned(signature.fn_token, "`boxed` is for an `async fn`"));
    }

    // The box lives as long as the shortest of what is borrowed: each gets a name, to say so.
    let mut borrowed = Borrowed::default();
    for input in &mut signature.inputs {
        borrowed.visit_fn_arg_mut(input);
    }
    let least = Lifetime::new("'boxed", Span::call_site());
    let Borrowed { fresh, named, receiver } = borrowed;
    let of_self =
        signature.receiver().is_some().then(|| -> syn::WherePredicate { parse_quote!(Self: #least) });
    let elided = receiver.or_else(|| (fresh.len() == 1).then(|| fresh[0].clone()));
    let mut output: Type = match &signature.output {
        ReturnType::Default => parse_quote!(()),
        ReturnType::Type(_, output) => (**output).clone(),
    };
    if let Some(elided) = elided {
        Elided(elided).visit_type_mut(&mut output);
    }

    let generics = &mut signature.generics;
    generics
        .params
        .extend(fresh.iter().chain([&least]).map(|name| -> syn::GenericParam { parse_quote!(#name) }));
    let outlive =
        fresh.iter().chain(&named).map(|name| -> syn::WherePredicate { parse_quote!(#name: #least) });
    generics.make_where_clause().predicates.extend(outlive.chain(of_self));
    signature.output = parse_quote! {
        -> ::core::pin::Pin<::std::boxed::Box<
            dyn ::core::future::Future<Output = #output> + ::core::marker::Send + #least
        >>
    };

    // The statement that never happens says of what type the body is, as the signature of an `async fn` does, for `?` and `into`.
    let body = &function.block;
    let mut block: syn::Block = parse_quote!({
        ::std::boxed::Box::pin(async move {
            if let ::core::option::Option::Some(never) = ::core::option::Option::None::<#output> {
                return never;
            }
            #body
        })
    });
    // Lints of long functions measure from brace to brace.
    block.brace_token = body.brace_token;
    *function.block = block;
    function.attrs.push(parse_quote!(#[inline(never)]));
    Ok(())
}

/// Gives names to lifetimes that have none, and gathers those that have one.
#[derive(Default)]
struct Borrowed {
    fresh: Vec<Lifetime>,
    named: Vec<Lifetime>,
    /// That of `&self`.
    receiver: Option<Lifetime>,
}

impl Borrowed {
    fn name(&mut self) -> Lifetime {
        let name = Lifetime::new(&format!("'boxed{}", self.fresh.len()), Span::call_site());
        self.fresh.push(name.clone());
        name
    }
}

impl VisitMut for Borrowed {
    fn visit_receiver_mut(&mut self, receiver: &mut Receiver) {
        match &mut receiver.reference {
            Some((_, lifetime)) => {
                let lifetime = lifetime.get_or_insert_with(|| self.name());
                self.visit_lifetime_mut(lifetime);
                self.receiver = Some(lifetime.clone());
            }
            None if receiver.colon_token.is_some() => self.visit_type_mut(&mut receiver.ty),
            None => {}
        }
    }

    fn visit_type_reference_mut(&mut self, reference: &mut TypeReference) {
        reference.lifetime.get_or_insert_with(|| self.name());
        visit_mut::visit_type_reference_mut(self, reference);
    }

    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        if lifetime.ident == "_" {
            *lifetime = self.name();
        } else if lifetime.ident != "static"
            && !self.fresh.contains(lifetime)
            && !self.named.contains(lifetime)
        {
            self.named.push(lifetime.clone());
        }
    }

    // What functions borrow is not borrowed here.
    fn visit_parenthesized_generic_arguments_mut(&mut self, _: &mut ParenthesizedGenericArguments) {}

    fn visit_type_bare_fn_mut(&mut self, _: &mut TypeBareFn) {}
}

/// Says of what is returned from whom it is borrowed, where the signature leaves that to the rules of elision.
struct Elided(Lifetime);

impl VisitMut for Elided {
    fn visit_type_reference_mut(&mut self, reference: &mut TypeReference) {
        reference.lifetime.get_or_insert_with(|| self.0.clone());
        visit_mut::visit_type_reference_mut(self, reference);
    }

    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        if lifetime.ident == "_" {
            *lifetime = self.0.clone();
        }
    }

    fn visit_parenthesized_generic_arguments_mut(&mut self, _: &mut ParenthesizedGenericArguments) {}

    fn visit_type_bare_fn_mut(&mut self, _: &mut TypeBareFn) {}
}
