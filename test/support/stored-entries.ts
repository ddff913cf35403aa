/** All that lies in a store. */
import type {
  CredentialRepository,
  PlacedEntry,
} from '../../src/myproxy/server/store/credential-repository.js'

/** Every sound credential, in no order, each read when it is asked for. */
export async function* storedEntries(
  repository: Pick<CredentialRepository, 'stamps' | 'at'>,
): AsyncGenerator<PlacedEntry> {
  for (const stem of (await repository.stamps()).keys()) {
    const entry = await repository.at(stem)
    if (entry !== undefined) yield entry
  }
}
