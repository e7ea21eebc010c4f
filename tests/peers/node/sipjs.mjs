// SIP.js as the callee.
import { SDP } from './browser.mjs';
import { Registerer, RegistererState, SessionState, UserAgent } from 'sip.js';

// A session description handler without media.
function descriptions() {
  return {
    close() {},
    getDescription: async () => ({ body: SDP, contentType: 'application/sdp' }),
    hasDescription: (type) => type === 'application/sdp',
    setDescription: async () => {},
    sendDtmf: () => false,
  };
}

export async function start({ server, user, action, say }) {
  const agent = new UserAgent({
    uri: UserAgent.makeURI(`sip:${user}@lab.test`),
    transportOptions: { server },
    authorizationUsername: user,
    authorizationPassword: `${user}-pw`,
    sessionDescriptionHandlerFactory: descriptions,
    logBuiltinEnabled: false,
    delegate: {
      onInvite(invitation) {
        say('invite');
        invitation.stateChange.addListener((state) => {
          if (state === SessionState.Established) say('confirmed');
          if (state === SessionState.Terminated) say('ended');
        });
        invitation.delegate = {
          onCancel: (cancel) => say(`cancelled ${cancel.request.getHeader('Reason')}`),
          onBye: (bye) => { bye.accept(); say('bye'); },
        };
        if (action === 'answer') invitation.progress().then(() => invitation.accept());
        if (action === 'ring') invitation.progress();
        if (action === 'reject') invitation.reject({ statusCode: 486 });
      },
      onMessage(message) {
        say(`message ${message.request.body}`);
        message.accept();
      },
    },
  });
  await agent.start();
  const registerer = new Registerer(agent, { expires: 60 });
  registerer.stateChange.addListener((state) => {
    if (state === RegistererState.Registered) say('registered');
  });
  await registerer.register();
}
