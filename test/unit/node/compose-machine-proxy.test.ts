import { chmodSync, chownSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { placeMachineProxy } from '../../../src/node/compose/compose-machine-proxy.js'
import { rejectionOf } from '../../support/failure.js'
import { TestAuthority } from '../../support/pki.js'
import { writeCredentialPair } from '../../support/pki-files.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'

/** An account that every system has. */
const ADMIN_UID = 1

describe.runIf(process.getuid?.() === 0)('the writer of the machine proxy, run by root', () => {
  it('is given up after 300 ms when the VO admin has stopped it, also while it leaves a child behind', async () => {
    const directory = await temporaryDirectory()
    chmodSync(directory, 0o755)
    const theirs = join(directory, 'alice')
    mkdirSync(theirs)
    chownSync(theirs, ADMIN_UID, ADMIN_UID)
    const host = new TestAuthority().issueHost('vobox.example.org')
    const { cert, key } = await writeCredentialPair(directory, 'host', host)
    const failure = await rejectionOf(
      placeMachineProxy({
        out: join(theirs, 'machine.pem'),
        certificateFile: cert,
        keyFile: key,
        environment: {},
        writer: ['sh', '-c', 'sleep 300 & kill -STOP $$'],
        writerMs: 300,
      }),
    )
    expect(failure).toMatchObject({ code: 'DEADLINE_EXCEEDED', data: { deadlineMs: 300 } })
    expect(readdirSync(theirs)).toEqual([])
  })
})
