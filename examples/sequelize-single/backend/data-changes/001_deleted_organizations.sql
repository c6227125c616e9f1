-- tenantry:data-change table=organizations key=id after=20260206083056-add-deleted-at-to-organizations
-- Organizations that were closed before there was a deleted_at: closed when they were last touched.
UPDATE organizations SET deleted_at = updated_at WHERE id BETWEEN :from AND :to AND status = 'deleted' AND deleted_at IS NULL;
