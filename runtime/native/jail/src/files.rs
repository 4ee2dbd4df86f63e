//! Landlock: files can be read where it was said and nowhere else, nothing is written, listed or executed but the program.

use crate::report::{Failure, Layer, OrFailure};
use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetStatus, Scope,
};
use std::path::{Path, PathBuf};

const LAYER: Layer = Layer::Landlock;
/// What every version of Landlock has is required; what newer ones add is taken where it is.
const REQUIRED: ABI = ABI::V1;
const WISHED: ABI = ABI::V6;

pub fn restrict(paths: &[PathBuf], program: &Path) -> Result<(), Failure> {
    let status = rules(paths, program).or_failure(LAYER, "rules")?;
    match status {
        RulesetStatus::NotEnforced => Err(Failure::of(LAYER, "rules", "not enforced")),
        RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced => Ok(()),
    }
}

fn rules(paths: &[PathBuf], program: &Path) -> Result<RulesetStatus, Box<dyn std::error::Error>> {
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(REQUIRED))?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(WISHED))?
        .handle_access(AccessNet::from_all(WISHED))?
        .scope(Scope::from_all(WISHED))?
        .create()?
        .add_rule(PathBeneath::new(PathFd::new(program)?, AccessFs::Execute | AccessFs::ReadFile))?;
    for path in paths {
        rules = rules.add_rule(PathBeneath::new(PathFd::new(path)?, rights(path)))?;
    }
    Ok(rules.restrict_self()?.ruleset)
}

/// The loader is executed with the program; its file is `ld-linux-x86-64.so.2` or the like.
fn rights(path: &Path) -> BitFlags<AccessFs> {
    let is_loader = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("ld-"));
    if is_loader { AccessFs::Execute | AccessFs::ReadFile } else { AccessFs::ReadFile.into() }
}
