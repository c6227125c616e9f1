export { type Config, type ConfigExport, defineConfig } from './config/define.ts'
export { defineDataChange } from './data/define-data-change.ts'
export { defineSeed } from './data/seeds/define-seed.ts'
export type { FleetVersion, GuardOptions, TenantConnection, TenantVersion } from './model/app.ts'
export type {
  BackfillOptions,
  BackfillReport,
  DriftOptions,
  DriftReport,
  ProveOptions,
  ProveReport,
  VerifyFinding,
  VerifyOptions,
  VerifyReport,
} from './model/check-report.ts'
export type {
  DataBatch,
  DataChangeDefinition,
  DataChangeProgress,
  DataChangeReport,
  DataChangeRunOptions,
  DataChangeState,
  DataChanges,
  DataKey,
} from './model/data-change.ts'
export { type ErrorCode, type ErrorDocument, isTenantryError, TenantryError } from './model/errors.ts'
export type { Emit, TenantryEvent } from './model/events.ts'
export type {
  FindingFleet,
  LintAssumptions,
  LintFinding,
  LintFleet,
  LintOptions,
  LintReport,
} from './model/lint.ts'
export type { RegistryMigrateReport, RegistryStatusReport, RegistryTool } from './model/registry-report.ts'
export type {
  BaselineOptions,
  DownOptions,
  ExplainReport,
  FleetReport,
  MakeReport,
  PlanOptions,
  PlanReport,
  RolloutListItem,
  RolloutReport,
  RunSignals,
  Selectors,
  StatusReport,
  Tenantry,
  UpOptions,
} from './model/report.ts'
export type { Summary, TargetResult, TargetResultKind } from './model/rollout.ts'
export type { SampleBrokenKey, SampleDbOptions, SampleDbReport, SampleTablePlan } from './model/sample-db.ts'
export type {
  SeedContext,
  SeedDefinition,
  SeedOptions,
  SeedOutcome,
  SeedReport,
  SeedRowNote,
  SeedTargetResult,
} from './model/seed.ts'
export type {
  AddTenantOptions,
  ImportTenantsOptions,
  ImportTenantsReport,
  ListTenantsOptions,
  RemoveTenantOptions,
  RemoveTenantReport,
  ShowTenantReport,
  TenantItem,
  TenantReport,
  Tenants,
} from './model/tenant-report.ts'
export { type OpenOptions, openTenantry } from './tenantry.ts'
