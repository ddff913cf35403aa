/** `myproxy destroy`: removes a stored credential, and knows what it was and what else remains. */
import { isVoboxError, printable, VoboxError } from '../../errors.js'
import type { StoredCredential } from '../../myproxy/response.js'
import type { Destroyed } from '../../report/myproxy-owner-text.js'
import { systemClock } from '../ports/clock.js'
import { type OwnerOptions, placeOf } from './owner.js'
import { storedUnder } from './replacement.js'

/**
 * @throws VoboxError `MYPROXY_NO_CREDENTIAL`, with the names that there are in `data.names` and in the
 *   cure; `MYPROXY_NOT_OWNER`; and what {@link MyProxyClient.destroy} says.
 */
export async function destroyStored(options: OwnerOptions): Promise<Destroyed> {
  const { client, ...call } = options
  const before = await storedUnder(options)
  const isMeant = ({ name }: StoredCredential) => name === call.credentialName
  const { server } = await client.destroy(call).catch((error: unknown) => {
    throw isVoboxError(error, 'MYPROXY_NO_CREDENTIAL') ? noneOfThat(error, options, before) : error
  })
  return {
    ...placeOf(call, server),
    gone: before?.find(isMeant) ?? null,
    remaining: before?.filter((credential) => !isMeant(credential)) ?? null,
    now: systemClock.now(),
  }
}

function noneOfThat(
  error: VoboxError,
  { username, credentialName }: OwnerOptions,
  before: readonly StoredCredential[] | undefined,
): VoboxError {
  const what =
    credentialName === undefined ? 'no credential without a name is' : `'${credentialName}' is not`
  const names = before?.map(({ name }) => name ?? '') ?? []
  const shown = printable(`${what} stored under ${username}`)
  return new VoboxError(error.code, `there is nothing to remove: ${shown} (${error.message})`, {
    hint: cureOf(names),
    data: { ...error.data, username, credentialName, names },
    cause: error,
  })
}

/** @param names of those that are there; empty: the one without a name. */
function cureOf(names: readonly string[]): string {
  if (names.length === 0) {
    return 'Name what is meant: --username NAME, --dn-as-username, --credname NAME'
  }
  const there = names.map((name) =>
    name === '' ? 'the one without a name (leave out --credname)' : `--credname ${name}`,
  )
  return printable(`There is, under that name: ${there.join(', ')}`)
}
