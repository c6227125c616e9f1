/** Makes tenants: user, database, every migration, and the row in the central database, in one call that can be repeated. */
class TenantProvisioningService {
  #opened

  /** As the one that may make databases. Opened when the first tenant is asked for. */
  #open() {
    this.#opened ??= import('tenantry').then(({ openTenantry }) => openTenantry({ environment: 'admin' }))
    return this.#opened
  }

  /** A call that was cut off, or failed, is gone on with by the next one for the same slug. */
  async provisionTenant({ slug, name }) {
    const tenantry = await this.#open()
    const { tenant } = await tenantry.provision({ slug, name })
    return { id: tenant.id, slug: tenant.slug }
  }

  async close() {
    await (await this.#opened)?.close()
  }
}

module.exports = { TenantProvisioningService }
