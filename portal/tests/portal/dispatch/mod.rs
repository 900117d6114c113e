//! Invoices on their way: by folder and by requests to a receiver that fails in every way, found on the ledger, shown to officers.

mod carriers;
mod killed;
mod notes;
mod pages;
mod receiver;
mod scene;
