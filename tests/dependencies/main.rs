//! What depends on what: crates, modules, and the map of them that people read.

#[cfg(test)]
mod architecture;
#[cfg(test)]
mod circles;
#[cfg(test)]
mod crates;
#[cfg(test)]
mod modules;
