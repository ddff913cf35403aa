/** INFO and DESTROY: what only the owner of a stored credential may ask. */
import { asUnixSeconds } from '../../../ports/clock.js'
import { describeChain } from '../../../proxy/chain-facts.js'
import type { MyProxyRequest } from '../../request.js'
import { encodeResponse, type StoredCredential } from '../../response.js'
import { nothingOwned, nothingToDestroy, notOwned } from '../refusals.js'
import {
  type Exchange,
  requireChain,
  requireMayStore,
  type ServerContext,
} from '../server-context.js'
import type { PlacedEntry } from '../store/credential-repository.js'
import { noteBroken } from '../store/note-broken.js'
import { storedChain } from '../store/stored-credential.js'

/**
 * Shows all credentials of a user name that the client owns; of others it says nothing. No line of the
 * configuration is asked, as in the C server: who may store no more may still look.
 *
 * C servers let a name have a comma, which divides the names of an answer: such a one is shown where
 * it is asked for, or is the only one, and does not spoil the answer about the others.
 */
export async function serveInfo(
  context: ServerContext,
  { stream, client }: Exchange,
  { username, credentialName }: MyProxyRequest,
): Promise<void> {
  requireChain(client)
  const entries = await context.repository.list(username)
  const credentials = entries
    .filter(({ data }) => data.owner === client.dn)
    .filter(({ data }) => credentialName === undefined || data.name === credentialName)
    .filter(({ data: { name } }, index) => index === 0 || !name?.includes(','))
    .map((entry) => describe(context, entry))
  if (credentials.length === 0) throw nothingOwned(username, credentialName, client.dn)
  await stream.write(encodeResponse({ kind: 'ok', credentials }))
}

export async function serveDestroy(
  context: ServerContext,
  exchange: Exchange,
  { username, credentialName }: MyProxyRequest,
): Promise<void> {
  const { stream, client } = exchange
  await requireMayStore(context, exchange, username)
  const removed = await context.repository.remove(username, credentialName, ({ owner }) => {
    if (owner !== client.dn) throw notOwned(client.dn)
  })
  if (!removed) throw nothingToDestroy()
  exchange.audit.done()
  await stream.write(encodeResponse({ kind: 'ok', credentials: [] }))
}

/** As in the C server: from 1970 to 1970. */
const BROKEN = { notBefore: asUnixSeconds(0), effectiveEnd: asUnixSeconds(0) }

/** One that cannot be read must not hide the others, nor itself from who would store it anew. */
function timesOf({ certificates, journal }: ServerContext, entry: PlacedEntry) {
  try {
    return describeChain(storedChain(entry, certificates.parse))
  } catch (error) {
    noteBroken(journal, entry, error)
    return BROKEN
  }
}

function describe(context: ServerContext, entry: PlacedEntry): StoredCredential {
  const { notBefore, effectiveEnd } = timesOf(context, entry)
  const { name, owner, description, renewer, retriever, keyRetriever, trustedRetriever } =
    entry.data
  return {
    owner,
    start: notBefore,
    end: effectiveEnd,
    ...(name && { name }),
    ...(description && { description }),
    ...(renewer && { renewer }),
    ...(retriever && { retriever }),
    ...(keyRetriever && { keyRetriever }),
    ...(trustedRetriever && { trustedRetriever }),
    ...(entry.lockMessage !== undefined && { lockMessage: entry.lockMessage }),
  }
}
