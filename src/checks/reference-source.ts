import type { Creation, PictureObject, PictureScope, SchemaPicture } from '../model/picture.ts'
import type { Fleet } from '../rollout/fleet.ts'
import { keyOf } from './choose-missing.ts'
import { keyOfRecipe, type Recipe } from './recipe.ts'
import type { References } from './reference.ts'

/** Pictures of references, and what makes parts of them: asked once for all targets that lack the same. */
export class ReferenceSource {
  readonly #fleet: Fleet
  readonly #references: References
  readonly #scope: PictureScope
  readonly #creations = new Map<string, Promise<Creation[]>>()

  constructor(fleet: Fleet, references: References, scope: PictureScope) {
    this.#fleet = fleet
    this.#references = references
    this.#scope = scope
  }

  /** Throws as {@link References.picture} does. */
  picture(recipe: Recipe): Promise<SchemaPicture> {
    return this.#references.picture(recipe, this.#scope)
  }

  /** Throws as {@link References.place} does, and `DatabaseError`. */
  creations(recipe: Recipe, objects: readonly PictureObject[]): Promise<Creation[]> {
    const key = JSON.stringify([keyOfRecipe(recipe), objects.map(keyOf)])
    const known = this.#creations.get(key) ?? this.#read(recipe, objects)
    this.#creations.set(key, known)
    return known
  }

  async #read(recipe: Recipe, objects: readonly PictureObject[]): Promise<Creation[]> {
    const place = await this.#references.place(recipe)
    const { server, database, schema } = place.placement
    const lease = await this.#fleet.pool.lease(server, database)
    try {
      const { pictures } = this.#fleet.pool.dialect(server)
      return await pictures.creations(lease.connection, schema ?? recipe.within, objects)
    } finally {
      await lease.release()
    }
  }
}
