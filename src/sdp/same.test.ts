/** Which changes of SDP count as none. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chromiumOffer, firefoxOffer } from '../../test/support/media-sdp.ts';
import { sameSdp } from './index.ts';

const HOST = '1 1 udp 2122260223 192.0.2.50 51000 typ host';

test('what gathering adds makes no difference', () => {
  const before = chromiumOffer({ more: true });
  const after = chromiumOffer({ more: true, candidates: [HOST] })
    .replace('m=audio 9 ', 'm=audio 51000 ')
    .replace('c=IN IP4 0.0.0.0', 'c=IN IP4 192.0.2.50')
    .replace('a=rtcp:9 IN IP4 0.0.0.0', 'a=rtcp:51000 IN IP4 192.0.2.50')
    .replace('a=mid:0', 'a=end-of-candidates\r\na=mid:0');
  assert.equal(sameSdp(before, after), true);
  assert.equal(sameSdp(after, before), true);
  assert.equal(sameSdp(before, after.replaceAll('\r\n', '\n')), true);
});

test('everything else does', () => {
  const offer = chromiumOffer({ more: true });
  const others = [
    chromiumOffer({ more: true, ufrag: 'Zz99' }),
    chromiumOffer({ more: true, version: 3 }),
    chromiumOffer({ more: true, direction: 'sendonly' }),
    chromiumOffer(),
    offer.replace('m=video 9 ', 'm=video 0 '),
    offer.replace(' 8 13', ' 13'),
    `${offer}a=x\r\n`,
    firefoxOffer(),
    '',
    'nonsense',
  ];
  for (const other of others) assert.equal(sameSdp(offer, other), false, other.slice(0, 60));
});

test('text that does not parse is the same only as itself', () => {
  assert.equal(sameSdp('nonsense', 'nonsense'), true);
  assert.equal(sameSdp('nonsense', 'nonsense '), false);
});
