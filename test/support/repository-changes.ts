/** Changes of a stored credential, and what it may look like while one is cut short. */
import type { CredentialRepository } from '../../src/myproxy/server/store/credential-repository.js'
import type { StoredData } from '../../src/myproxy/server/store/stored-data.js'

export const REPOSITORY_CHANGES = ['create', 'replace', 'change-key', 'remove'] as const
export type RepositoryChange = (typeof REPOSITORY_CHANGES)[number]

/** Lifetime of what is stored at first, and of what replaces it, in seconds. */
export const OLD_SECONDS = 60
export const NEW_SECONDS = 120

export function storedOf(username: string, lifetimeSeconds = OLD_SECONDS): StoredData {
  return { username, owner: '/DC=org/CN=alice', lifetimeSeconds }
}

/** Does one change to the credential `name`, whose old key is `old` and whose new one is `new`. */
export async function workOn(
  repository: CredentialRepository,
  change: RepositoryChange,
  name: string,
): Promise<void> {
  const welcome = () => undefined
  if (change === 'remove') {
    await repository.remove(name, undefined, welcome)
    return
  }
  const key = Buffer.from('new')
  if (change !== 'change-key') return repository.store(storedOf(name, NEW_SECONDS), key, welcome)
  const entry = await repository.find(name, undefined)
  if (entry === undefined) throw new Error(`${name} is not there`)
  await repository.changeKey(entry, key)
}

/** Key and lifetime of the credential `name`; undefined when there is none. */
export async function stateOf(
  repository: CredentialRepository,
  name: string,
): Promise<string | undefined> {
  const entry = await repository.find(name, undefined)
  return entry && `${entry.creds} ${entry.data.lifetimeSeconds}`
}

/** Before and after each change, as {@link stateOf} tells it. */
export const STATES: Record<
  RepositoryChange,
  [before: string | undefined, after: string | undefined]
> = {
  create: [undefined, `new ${NEW_SECONDS}`],
  replace: [`old ${OLD_SECONDS}`, `new ${NEW_SECONDS}`],
  'change-key': [`old ${OLD_SECONDS}`, `new ${OLD_SECONDS}`],
  remove: [`old ${OLD_SECONDS}`, undefined],
}
