//! The real program, end to end.

#[cfg(test)]
mod backbones;
#[cfg(test)]
mod cells;
#[cfg(test)]
mod checkpoint;
#[cfg(test)]
mod data;
#[cfg(test)]
mod experiments;
#[cfg(test)]
mod families;
#[cfg(test)]
mod hub;
#[cfg(test)]
mod methods;
#[cfg(test)]
mod own;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod repairs;
#[cfg(test)]
mod report;
#[cfg(test)]
mod sentences;
#[cfg(test)]
mod shards;
#[cfg(test)]
mod statistics;
#[cfg(test)]
mod support;
#[cfg(test)]
mod sweep;
#[cfg(test)]
mod tensorboard;
#[cfg(test)]
mod wanted;
