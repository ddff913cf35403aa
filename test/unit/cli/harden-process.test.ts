import { execa } from 'execa'
import { describe, expect, it } from 'vitest'
import { bundleScript } from '../../support/bundled-script.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'

describe('hardenProcess', () => {
  it('leaves neither a debugger at SIGUSR1, nor diagnostic reports, nor memory in core dumps', async () => {
    const script = await bundleScript('hardened-in-process.ts', await temporaryDirectory())
    // What a caller may have asked Node for.
    const options = ['--report-on-fatalerror', '--report-on-signal', '--report-uncaught-exception']
    const { stdout } = await execa(process.execPath, [...options, script])
    expect(JSON.parse(stdout)).toEqual({
      reports: [false, false, false],
      coreFilter: '00000000',
      umask: 0o077,
      debugger: null,
    })
  })
})
