import { writeFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { encodeCredential, isVoboxError, MyProxyClient } from 'vobox-proxy'

const [username = 'alice', out = 'proxy.pem'] = process.argv.slice(2)

const client = await MyProxyClient.open({
  environment: process.env,
  signal: AbortSignal.timeout(60_000),
})
try {
  const { server, credential } = await client.get({
    username,
    passPhrase: (await text(process.stdin)).trimEnd(),
    lifetimeSeconds: 12 * 3600,
  })
  await writeFile(out, encodeCredential(credential), { mode: 0o600, flag: 'wx' })
  console.log(`${out}: ${credential.chain[0]?.subject.oneLine}, from ${server.host}`)
} catch (error) {
  if (!isVoboxError(error)) throw error
  console.error(`${error.code}: ${error.message}`)
  if (error.hint !== undefined) console.error(error.hint)
  process.exitCode = 1
}
