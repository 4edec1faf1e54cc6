package io.mapfs.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import io.mapfs.client.ApplianceClient;
import io.mapfs.client.ClientConfig;
import io.mapfs.client.ClientTimeouts;
import io.mapfs.client.ConnectionListener;
import io.mapfs.client.Endpoint;
import io.mapfs.client.ReconnectingClient;
import io.mapfs.core.block.BlockId;
import io.mapfs.core.block.ReadScope;
import io.mapfs.core.block.StoredBlock;
import io.mapfs.core.journal.JournalRecord;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.core.wire.Frame;
import io.mapfs.core.wire.FrameHeader;
import io.mapfs.core.wire.Message;
import io.mapfs.core.wire.MessageCodec;
import io.mapfs.core.wire.Priority;
import io.mapfs.core.wire.Protocol;
import io.mapfs.server.Session;
import io.mapfs.server.net.BlockServer;
import io.mapfs.server.net.ServerConfig;
import io.mapfs.server.net.ServerTimeouts;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Client and block server over loopback, with a service that lives in memory. */
@Timeout(60)
final class ClientServerTest {
  private static final ClientConfig NODE = ClientConfig.node("web01", "test");
  private static final ReadScope SCOPE = new ReadScope.Version("debian", 1);

  private static final InetAddress LOOPBACK = InetAddress.getLoopbackAddress();

  private final FakeService service = new FakeService();
  private final List<AutoCloseable> opened = new ArrayList<>();
  private BlockServer server;

  private static ServerConfig config() {
    return ServerConfig.listen("127.0.0.1", 0, "MapFS test")
        .withBounds(bounds -> bounds.withThreads(4, 4));
  }

  @BeforeEach
  void start() throws IOException {
    server = BlockServer.start(config(), service);
  }

  @AfterEach
  void stop() throws Exception {
    service.gate.countDown();
    for (AutoCloseable each : opened) {
      each.close();
    }
    server.close();
  }

  private void restart(ServerConfig newConfig) throws IOException {
    server.close();
    server = BlockServer.start(newConfig, service);
  }

  private Endpoint endpoint() {
    return new Endpoint("127.0.0.1", server.address().getPort());
  }

  private ApplianceClient connect(ClientConfig clientConfig) throws ApplianceException {
    ApplianceClient client = ApplianceClient.connect(endpoint(), clientConfig);
    opened.add(client);
    return client;
  }

  private ReconnectingClient reconnecting(ClientConfig clientConfig, Events events) {
    ReconnectingClient client = ReconnectingClient.start(List.of(endpoint()), clientConfig, events);
    opened.add(client);
    return client;
  }

  private static ApplianceException failureOf(CompletableFuture<?> answer) {
    ExecutionException e = assertThrows(ExecutionException.class, answer::get);
    return assertInstanceOf(ApplianceException.class, e.getCause());
  }

  private static StoredBlock block(long number, int bytes) {
    byte[] content = new byte[bytes];
    new Random(number).nextBytes(content);
    return new StoredBlock(
        new BlockId(number, 1, 2, 3),
        StoredBlock.CODEC_RAW,
        BlockId.BLOCK_BYTES,
        ByteBuffer.wrap(content));
  }

  private static <T> T take(BlockingQueue<T> queue) throws InterruptedException {
    return assertNotNull(queue.poll(20, TimeUnit.SECONDS));
  }

  private static <T> T assertNotNull(T value) {
    org.junit.jupiter.api.Assertions.assertNotNull(value);
    return value;
  }

  /** Remembers what a reconnecting client says. */
  private static final class Events implements ConnectionListener {
    final BlockingQueue<String> seen = new LinkedBlockingQueue<>();

    @Override
    public void connected(Message.Welcome welcome) {
      seen.add("connected");
    }

    @Override
    public void disconnected(ApplianceException cause) {
      seen.add("disconnected");
    }
  }

  // ---- handshake ----

  @Test
  void handshakeTellsBothWhoTheOtherIs() throws Exception {
    ApplianceClient client = connect(NODE);
    assertEquals(service.clusterId(), client.welcome().clusterId());
    assertEquals("MapFS test", client.welcome().software());
    assertEquals(1, client.welcome().version());
    assertEquals(List.of(endpoint().toString()), client.welcome().addresses());
    Session session = take(service.opened);
    assertEquals("web01", session.node());
    assertTrue(session.isOpen());
    client.close();
    assertEquals(session, take(service.closed));
    assertFalse(session.isOpen());
  }

  @Test
  void badNodeNameIsRefused() {
    ApplianceException e =
        assertThrows(
            ApplianceException.class, () -> connect(ClientConfig.node("../web01", "test")));
    assertEquals(FailureCode.INVALID, e.code());
    assertTrue(e.getMessage().contains("'../web01'"), e.getMessage());
  }

  @Test
  void nobodyThereIsSaidInOneLine() throws Exception {
    int free;
    try (ServerSocket socket = new ServerSocket(0)) {
      free = socket.getLocalPort();
    }
    ApplianceException e =
        assertThrows(
            ApplianceException.class,
            () ->
                ApplianceClient.connect(
                    new Endpoint("127.0.0.1", free), ClientConfig.admin("test")));
    assertEquals(FailureCode.UNAVAILABLE, e.code());
    assertEquals(
        "cannot reach the appliance at 127.0.0.1:"
            + free
            + ": connection refused; is `mapfs appliance serve` running?",
        e.getMessage());
  }

  @Test
  void serverOfAnotherProtocolIsNamed() throws Exception {
    try (ServerSocket web = new ServerSocket(0)) {
      Thread answerer =
          new Thread(
              () -> {
                try (Socket socket = web.accept()) {
                  socket
                      .getOutputStream()
                      .write("HTTP/1.1 400 Bad Request\r\n\r\n".getBytes(StandardCharsets.UTF_8));
                  socket.getInputStream().readAllBytes();
                } catch (IOException e) {
                  // The client hung up.
                }
              });
      answerer.start();
      ApplianceException e =
          assertThrows(
              ApplianceException.class,
              () ->
                  ApplianceClient.connect(
                      new Endpoint("127.0.0.1", web.getLocalPort()), ClientConfig.admin("test")));
      assertEquals(FailureCode.INCOMPATIBLE, e.code());
      assertTrue(e.getMessage().contains("does not speak the MapFS protocol"), e.getMessage());
      answerer.join();
    }
  }

  @Test
  void silentServerEndsTheHandshakeInTime() throws Exception {
    try (ServerSocket silent = new ServerSocket(0)) {
      ApplianceException e =
          assertThrows(
              ApplianceException.class,
              () ->
                  ApplianceClient.connect(
                      new Endpoint("127.0.0.1", silent.getLocalPort()),
                      ClientConfig.admin("test")
                          .withTimeouts(
                              ClientTimeouts.DEFAULTS.withConnect(Duration.ofMillis(200)))));
      assertEquals(FailureCode.UNAVAILABLE, e.code());
    }
  }

  // ---- requests ----

  @Test
  void blocksGoUpAndComeDown() throws Exception {
    ApplianceClient client = connect(NODE);
    List<StoredBlock> sent = new ArrayList<>();
    for (int i = 0; i < 31; i++) {
      sent.add(block(i, BlockId.BLOCK_BYTES - i));
    }
    ApplianceClient.await(client.putBlocks(sent, Priority.PREFETCH));
    List<BlockId> ids = sent.stream().map(StoredBlock::id).toList();
    List<StoredBlock> got =
        ApplianceClient.await(client.getBlocks(SCOPE, ids, Priority.DEMAND)).blocks();
    assertEquals(sent, got);
    List<BlockId> asked = List.of(ids.get(0), new BlockId(9, 9, 9, 9), ids.get(2));
    Message.Have have = ApplianceClient.await(client.haveBlocks(SCOPE, asked, Priority.DEMAND));
    assertEquals("{0, 2}", have.present().toString());
  }

  @Test
  void requestsArePipelinedAndAnsweredOutOfOrder() throws Exception {
    ApplianceClient client = connect(NODE);
    service.gate = new CountDownLatch(1);
    service.blocks.put(block(1, 10).id(), block(1, 10));
    CompletableFuture<Message.OverlayPosition> slow = client.getPosition("web01");
    List<CompletableFuture<Message.Blocks>> fast = new ArrayList<>();
    for (int i = 0; i < 2000; i++) {
      fast.add(client.getBlocks(SCOPE, List.of(block(1, 10).id()), Priority.DEMAND));
    }
    for (CompletableFuture<Message.Blocks> each : fast) {
      assertEquals(1, each.get().blocks().size());
    }
    assertFalse(slow.isDone());
    service.gate.countDown();
    assertEquals(2, slow.get().sequence());
  }

  @Test
  void refusalsCarryCodeAndMessage() throws Exception {
    ApplianceClient client = connect(NODE);
    BlockId unknown = new BlockId(4, 4, 4, 4);
    ApplianceException e = failureOf(client.getBlocks(SCOPE, List.of(unknown), Priority.DEMAND));
    assertEquals(FailureCode.NOT_FOUND, e.code());
    assertEquals("there is no block " + unknown, e.getMessage());
  }

  @Test
  void callsReportProgress() throws Exception {
    ApplianceClient client = connect(NODE);
    List<Integer> steps = new ArrayList<>();
    JsonObject result =
        client.call(
            "count", new JsonObject(), progress -> steps.add(progress.get("done").getAsInt()));
    assertEquals(List.of(1, 2, 3), steps);
    assertEquals("web01", result.get("node").getAsString());
  }

  @Test
  void faultOfTheServiceIsInternalAndTheConnectionLives() throws Exception {
    ApplianceClient client = connect(NODE);
    ApplianceException e =
        assertThrows(ApplianceException.class, () -> client.call("bug", new JsonObject()));
    assertEquals(FailureCode.INTERNAL, e.code());
    assertFalse(e.getMessage().contains("planted"), e.getMessage());
    JsonObject echoed = new JsonObject();
    echoed.addProperty("a", "b");
    assertEquals(echoed, client.call("echo", echoed));
  }

  @Test
  void answerThatDoesNotFitIsAFailure() throws Exception {
    ApplianceClient client = connect(NODE);
    ApplianceException e =
        assertThrows(ApplianceException.class, () -> client.call("huge", new JsonObject()));
    assertTrue(e.getMessage().contains("does not fit in a frame"), e.getMessage());
    ApplianceClient.await(client.ping());
  }

  @Test
  void requestThatDoesNotFitFailsAlone() throws Exception {
    ApplianceClient client = connect(NODE);
    JsonObject parameters = new JsonObject();
    parameters.addProperty("text", "x".repeat(2 << 20));
    ApplianceException e =
        assertThrows(ApplianceException.class, () -> client.call("echo", parameters));
    assertEquals(FailureCode.INVALID, e.code());
    ApplianceClient.await(client.ping());
  }

  @Test
  void appendsAreHandledInOrder() throws Exception {
    ApplianceClient client = connect(NODE);
    List<CompletableFuture<Message.Appended>> answers = new ArrayList<>();
    List<Long> expected = new ArrayList<>();
    for (long sequence = 1; sequence <= 500; sequence++) {
      JournalRecord record = new JournalRecord("web01", 1, sequence, new byte[32], 0, List.of());
      answers.add(client.append(record, List.of()));
      expected.add(sequence);
    }
    for (int i = 0; i < answers.size(); i++) {
      assertEquals(i + 1, answers.get(i).get().sequence());
    }
    assertEquals(expected, service.appended);
  }

  @Test
  void deadlineEndsARequest() throws Exception {
    ApplianceClient client = connect(NODE);
    service.gate = new CountDownLatch(1);
    ApplianceException e =
        failureOf(
            client.request(
                new Message.GetPosition("web01"),
                Message.OverlayPosition.class,
                Priority.DEMAND,
                Duration.ofMillis(100)));
    assertEquals(FailureCode.UNAVAILABLE, e.code());
    assertTrue(e.getMessage().contains("did not answer GetPosition within 100 ms"), e.getMessage());
    ApplianceClient.await(client.ping());
  }

  @Test
  void cancelledRequestsThatWaitAreNotCarriedOut() throws Exception {
    restart(config().withBounds(bounds -> bounds.withThreads(1, 1)));
    ApplianceClient client = connect(NODE);
    service.gate = new CountDownLatch(1);
    CompletableFuture<Message.OverlayPosition> first = client.getPosition("first");
    assertEquals("first", take(service.entered));
    CompletableFuture<Message.OverlayPosition> second = client.getPosition("second");
    CompletableFuture<Message.OverlayPosition> third = client.getPosition("third");
    assertTrue(second.cancel(true));
    assertThrows(CancellationException.class, second::get);
    ApplianceClient.await(client.ping()); // the Cancel went before it
    service.gate.countDown();
    first.get();
    third.get();
    assertEquals("third", take(service.entered));
    assertEquals(2, service.running.get());
  }

  @Test
  void urgentRequestsGoFirst() throws Exception {
    restart(config().withBounds(bounds -> bounds.withThreads(1, 1)));
    ApplianceClient client = connect(NODE);
    service.gate = new CountDownLatch(1);
    CompletableFuture<?> first = client.getPosition("first");
    take(service.entered);
    List<CompletableFuture<?>> answers = new ArrayList<>(List.of(first));
    for (Priority priority : List.of(Priority.PREFETCH, Priority.DEMAND, Priority.JOURNAL)) {
      answers.add(
          client.request(
              new Message.GetPosition(priority.name()), Message.OverlayPosition.class, priority));
    }
    ApplianceClient.await(client.ping());
    service.gate.countDown();
    for (CompletableFuture<?> answer : answers) {
      answer.get();
    }
    assertEquals(
        List.of("JOURNAL", "DEMAND", "PREFETCH"),
        List.of(take(service.entered), take(service.entered), take(service.entered)));
  }

  @Test
  void oneConnectionDoesNotStarveAnother() throws Exception {
    restart(config().withBounds(bounds -> bounds.withThreads(2, 1)));
    ApplianceClient greedy = connect(NODE);
    ApplianceClient modest = connect(ClientConfig.node("web02", "test"));
    service.gate = new CountDownLatch(1);
    for (int i = 0; i < 100; i++) {
      var unused =
          greedy.request(
              new Message.GetPosition("greedy"), Message.OverlayPosition.class, Priority.DEMAND);
    }
    take(service.entered);
    // One worker is left for others, however much the first has asked for.
    service.blocks.put(block(1, 10).id(), block(1, 10));
    ApplianceClient.await(modest.getBlocks(SCOPE, List.of(block(1, 10).id()), Priority.DEMAND));
    assertEquals(1, service.running.get());
  }

  @Test
  void requestsBeyondTheBoundAreNotReadButAnsweredInTheEnd() throws Exception {
    restart(config().withBounds(bounds -> bounds.withThreads(2, 1).withRequests(8, 1 << 20)));
    ApplianceClient client = connect(NODE);
    service.gate = new CountDownLatch(1);
    List<CompletableFuture<?>> answers = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      answers.add(client.getPosition("web01"));
    }
    take(service.entered);
    service.gate.countDown();
    for (CompletableFuture<?> answer : answers) {
      answer.get();
    }
    assertEquals(200, service.running.get());
  }

  @Test
  void whoIsNotReadFromStillHearsFromTheServer() throws Exception {
    Duration keepAlive = Duration.ofMillis(100);
    Duration patient = Duration.ofSeconds(60);
    restart(
        config()
            .withTimeouts(new ServerTimeouts(patient, patient, keepAlive, patient, keepAlive))
            .withBounds(bounds -> bounds.withThreads(2, 1).withRequests(8, 1 << 20)));
    service.gate = new CountDownLatch(1);
    try (Socket socket = new Socket(LOOPBACK, server.address().getPort())) {
      socket.setSoTimeout(20_000);
      Message hello =
          new Message.Hello(
              Protocol.LOWEST_VERSION, Protocol.HIGHEST_VERSION, Protocol.FEATURES, "web01", "t");
      send(socket, Frame.request(0, Priority.JOURNAL, hello));
      assertInstanceOf(Message.Welcome.class, receive(socket));
      for (int id = 1; id <= 20; id++) {
        send(socket, Frame.request(id, Priority.DEMAND, new Message.GetPosition("web01")));
      }
      take(service.entered);
      // Its questions are not read, and no answer comes: silence would look like death.
      for (int pings = 0; pings < 10; pings++) {
        assertInstanceOf(Message.Ping.class, receive(socket));
      }
    }
  }

  private static Message receive(Socket socket) throws Exception {
    byte[] head = socket.getInputStream().readNBytes(FrameHeader.BYTES);
    FrameHeader header = FrameHeader.take(ByteBuffer.wrap(head), 1 << 20);
    byte[] payload = socket.getInputStream().readNBytes(header.lengthBytes());
    return MessageCodec.decode(header, ByteBuffer.wrap(payload));
  }

  // ---- pushes ----

  @Test
  void applianceAsksTheNode() throws Exception {
    ApplianceClient node = connect(NODE);
    node.onRequest(
        request ->
            CompletableFuture.supplyAsync(
                () -> {
                  assertInstanceOf(Message.Barrier.class, request);
                  return new Message.Appended(41);
                }));
    ApplianceClient admin = connect(ClientConfig.admin("test"));
    assertEquals(41, admin.call("barrier", new JsonObject()).get("sequence").getAsLong());
  }

  @Test
  void pushFailsWithoutHandlerAndWhenTheNodeGoes() throws Exception {
    ApplianceClient node = connect(NODE);
    Session session = take(service.opened);
    ApplianceException refused = failureOf(session.request(new Message.Barrier("web01")));
    assertEquals(FailureCode.UNAVAILABLE, refused.code());
    node.onRequest(request -> new CompletableFuture<>());
    CompletableFuture<Message> unanswered = session.request(new Message.Fence("web01", 2, "test"));
    node.close();
    assertEquals(FailureCode.UNAVAILABLE, failureOf(unanswered).code());
    take(service.closed);
    assertEquals(
        FailureCode.UNAVAILABLE, failureOf(session.request(new Message.Barrier("web01"))).code());
  }

  @Test
  void handlersOwnFailureReachesTheAppliance() throws Exception {
    ApplianceClient node = connect(NODE);
    node.onRequest(
        request ->
            CompletableFuture.failedFuture(
                new ApplianceException(FailureCode.NO_SPACE, "the disk is full")));
    ApplianceException e = failureOf(take(service.opened).request(new Message.Barrier("web01")));
    assertEquals(FailureCode.NO_SPACE, e.code());
    assertEquals("the disk is full", e.getMessage());
  }

  // ---- losing and finding each other ----

  @Test
  void brokenConnectionFailsWhatIsInFlight() throws Exception {
    ApplianceClient client = connect(NODE);
    CompletableFuture<ApplianceException> told = new CompletableFuture<>();
    client.onDisconnect(told::complete);
    service.gate = new CountDownLatch(1);
    CompletableFuture<Message.OverlayPosition> waiting = client.getPosition("web01");
    take(service.entered);
    take(service.opened).close();
    assertEquals(FailureCode.UNAVAILABLE, failureOf(waiting).code());
    assertTrue(told.get().getMessage().startsWith("lost the appliance at "));
    assertFalse(client.isConnected());
    assertEquals(FailureCode.UNAVAILABLE, failureOf(client.ping()).code());
    // The service is told once its last call has returned, not before.
    assertTrue(service.closed.isEmpty());
    service.gate.countDown();
    take(service.closed);
  }

  @Test
  void reconnectsAndSendsGetsAgain() throws Exception {
    Events events = new Events();
    ReconnectingClient client = reconnecting(NODE, events);
    assertEquals("connected", take(events.seen));
    service.gate = new CountDownLatch(1);
    CompletableFuture<Message.OverlayPosition> get = client.getPosition("web01");
    CompletableFuture<Message.Done> put = client.putBlocks(List.of(), Priority.DEMAND);
    put.get();
    take(service.entered);
    take(service.opened).close();
    assertEquals("disconnected", take(events.seen));
    assertEquals("connected", take(events.seen));
    service.gate.countDown();
    assertEquals(2, get.get().sequence());
  }

  @Test
  void whileDisconnectedGetsWaitAndChangesFail() throws Exception {
    Events events = new Events();
    ReconnectingClient client = reconnecting(NODE, events);
    client.awaitConnected(Duration.ofSeconds(20));
    assertEquals("connected", take(events.seen));
    int port = server.address().getPort();
    server.close();
    assertEquals("disconnected", take(events.seen));
    JournalRecord record = new JournalRecord("web01", 1, 1, new byte[32], 0, List.of());
    assertEquals(FailureCode.UNAVAILABLE, failureOf(client.append(record, List.of())).code());
    assertThrows(ApplianceException.class, () -> client.call("echo", new JsonObject()));
    CompletableFuture<Message.OverlayPosition> patient = client.getPosition("web01");
    ApplianceException impatient =
        failureOf(
            client.request(
                new Message.GetPosition("web01"),
                Message.OverlayPosition.class,
                Priority.DEMAND,
                Duration.ofMillis(50)));
    assertEquals(FailureCode.UNAVAILABLE, impatient.code());
    CompletableFuture<Message.OverlayPosition> unwanted = client.getPosition("web01");
    assertTrue(unwanted.cancel(true));
    server =
        BlockServer.start(
            ServerConfig.listen("127.0.0.1", port, "MapFS test")
                .withBounds(bounds -> bounds.withThreads(2, 2)),
            service);
    assertEquals(2, patient.get().sequence());
  }

  @Test
  void whoDoesNotWantToWaitForAConnectionDoesNot() throws Exception {
    Events events = new Events();
    ReconnectingClient client = reconnecting(NODE.withFailsOnLoss(true), events);
    assertEquals("connected", take(events.seen));
    service.gate = new CountDownLatch(1);
    CompletableFuture<Message.OverlayPosition> underWay = client.getPosition("web01");
    take(service.entered);
    take(service.opened).close();
    service.gate.countDown();
    server.close();
    assertEquals(FailureCode.UNAVAILABLE, failureOf(underWay).code());
    assertEquals(FailureCode.UNAVAILABLE, failureOf(client.getPosition("web01")).code());
  }

  @Test
  void aFaultOfTheListenerDoesNotEndTheReconnecting() throws Exception {
    BlockingQueue<Boolean> connected = new LinkedBlockingQueue<>();
    ReconnectingClient client =
        ReconnectingClient.start(
            List.of(endpoint()),
            NODE,
            new ConnectionListener() {
              @Override
              public void connected(Message.Welcome welcome) {
                connected.add(true);
                if (service.opened.size() == 1) {
                  throw new IllegalStateException("a planted fault");
                }
              }

              @Override
              public void disconnected(ApplianceException cause) {}
            });
    opened.add(client);
    take(connected);
    take(connected);
    take(service.closed); // the first is not left open
    ApplianceClient.await(client.ping());
  }

  @Test
  void anotherApplianceAtTheAddressIsNotUsed() throws Exception {
    Events events = new Events();
    ReconnectingClient client =
        reconnecting(
            NODE.withTimeouts(ClientTimeouts.DEFAULTS.withRequest(Duration.ofMillis(1500))),
            events);
    assertEquals("connected", take(events.seen));
    service.clusterId = "ffffffffffffffffffffffffffffffff";
    take(service.opened).close();
    assertEquals("disconnected", take(events.seen));
    ApplianceException e = failureOf(client.getPosition("web01"));
    assertTrue(e.getMessage().contains("another appliance"), e.getMessage());
  }

  @Test
  void halfOpenConnectionIsGivenUp() throws Exception {
    try (ServerSocket frozen = new ServerSocket(0)) {
      // The handshake is answered by a real server behind a relay that then stops.
      CountDownLatch stop = new CountDownLatch(1);
      Thread relay = new Thread(() -> relay(frozen, stop));
      relay.start();
      ApplianceClient client =
          ApplianceClient.connect(
              new Endpoint("127.0.0.1", frozen.getLocalPort()),
              NODE.withTimeouts(ClientTimeouts.DEFAULTS.withKeepAlive(Duration.ofMillis(200))));
      opened.add(client);
      CompletableFuture<ApplianceException> told = new CompletableFuture<>();
      client.onDisconnect(told::complete);
      stop.countDown();
      assertTrue(told.get().getMessage().contains("no sign of life"), told.get().getMessage());
      relay.join();
    }
  }

  private void relay(ServerSocket front, CountDownLatch stop) {
    try (Socket client = front.accept();
        Socket appliance = new Socket(LOOPBACK, server.address().getPort())) {
      byte[] hello = new byte[4096];
      int count = client.getInputStream().read(hello);
      appliance.getOutputStream().write(hello, 0, count);
      count = appliance.getInputStream().read(hello);
      client.getOutputStream().write(hello, 0, count);
      stop.await();
      while (client.getInputStream().read(hello) >= 0) {
        // Takes what comes and answers nothing.
      }
    } catch (IOException | InterruptedException e) {
      // The client gave up.
    }
  }

  @Test
  void anAnswerThatKeepsComingIsWaitedFor() throws Exception {
    try (ServerSocket slow = new ServerSocket(0)) {
      CountDownLatch silence = new CountDownLatch(1);
      Thread trickle = new Thread(() -> trickle(slow, silence));
      trickle.start();
      ApplianceClient client =
          ApplianceClient.connect(
              new Endpoint("127.0.0.1", slow.getLocalPort()),
              NODE.withTimeouts(ClientTimeouts.DEFAULTS.withRequest(Duration.ofSeconds(2))));
      opened.add(client);
      StoredBlock block = block(1, BlockId.BLOCK_BYTES);
      ApplianceClient.await(client.putBlocks(List.of(block), Priority.DEMAND));
      CompletableFuture<Message.Blocks> answer =
          client.getBlocks(SCOPE, List.of(block.id()), Priority.DEMAND);
      // One that waits behind it has as much time.
      CompletableFuture<Message.Done> behind = client.ping();
      assertEquals(List.of(block), answer.get().blocks());
      behind.get();
      // But not for an answer that does not come, or stops coming.
      silence.countDown();
      CompletableFuture<Message.Blocks> lost =
          client.getBlocks(SCOPE, List.of(block.id()), Priority.DEMAND);
      assertTrue(failureOf(lost).getMessage().contains("within 2 s"), failureOf(lost).getMessage());
      client.close();
      trickle.join();
    }
  }

  /** Between a client and the server; answers come at some 25 KiB a second. */
  private void trickle(ServerSocket front, CountDownLatch silence) {
    try (Socket client = front.accept();
        Socket appliance = new Socket(LOOPBACK, server.address().getPort())) {
      Thread requests =
          new Thread(
              () -> {
                try {
                  client.getInputStream().transferTo(appliance.getOutputStream());
                  appliance.close();
                } catch (IOException e) {
                  // Either end has gone.
                }
              });
      requests.start();
      byte[] piece = new byte[2048];
      int count;
      while ((count = appliance.getInputStream().read(piece)) >= 0) {
        if (silence.getCount() > 0) {
          client.getOutputStream().write(piece, 0, count);
          Thread.sleep(80);
        }
      }
      requests.join();
    } catch (IOException | InterruptedException e) {
      // The client has gone.
    }
  }

  // ---- the server's own bounds ----

  /** Sends bytes and returns what comes back until the server closes the connection. */
  private byte[] exchange(byte[] bytes) throws IOException {
    try (Socket socket = new Socket(LOOPBACK, server.address().getPort())) {
      socket.setSoTimeout(20_000);
      socket.getOutputStream().write(bytes);
      return socket.getInputStream().readAllBytes();
    } catch (java.net.SocketException e) {
      return new byte[0]; // reset: closed with bytes of ours unread
    }
  }

  @Test
  void garbageIsAnsweredByClosing() throws Exception {
    assertEquals(0, exchange("GET / HTTP/1.1\r\n\r\n".getBytes(StandardCharsets.UTF_8)).length);
    Random random = new Random(7);
    for (int i = 0; i < 200; i++) {
      byte[] garbage = new byte[16 + random.nextInt(200)];
      random.nextBytes(garbage);
      // A plausible length, so that some of it gets as far as the checksum.
      garbage[0] = 0;
      garbage[1] = 0;
      garbage[2] = 0;
      garbage[3] = (byte) random.nextInt(garbage.length - 15);
      if (i % 2 == 0) {
        garbage[8] = 8;
        garbage[9] = 0;
        garbage[10] = 0;
        garbage[11] = 0;
      }
      exchange(garbage);
    }
    ApplianceClient.await(connect(NODE).ping());
    assertEquals(1, service.opened.size());
  }

  @Test
  void oversizedFrameIsRefusedByItsHead() throws Exception {
    ByteBuffer head = ByteBuffer.allocate(16);
    head.putInt(Integer.MAX_VALUE).putInt(0).put((byte) 8);
    assertEquals(0, exchange(head.array()).length);
    head.clear();
    head.putInt(1 << 20).putInt(0).put((byte) 8); // allowed, but not before the handshake
    assertEquals(0, exchange(head.array()).length);
  }

  @Test
  void slowHandshakeAndUnfinishedFrameAreCutOff() throws Exception {
    Duration shortTime = Duration.ofMillis(100);
    restart(
        config()
            .withTimeouts(
                new ServerTimeouts(
                    shortTime,
                    shortTime,
                    Duration.ofSeconds(30),
                    shortTime,
                    Duration.ofSeconds(1))));
    assertEquals(0, exchange(new byte[0]).length);
    assertEquals(0, exchange(new byte[] {0, 0, 0}).length);
  }

  @Test
  void aLongFrameOnASlowLinkIsWaitedFor() throws Exception {
    Duration frame = Duration.ofMillis(300);
    Duration keepAlive = Duration.ofSeconds(1);
    Duration patient = Duration.ofSeconds(60);
    restart(
        config().withTimeouts(new ServerTimeouts(patient, frame, keepAlive, patient, keepAlive)));
    try (Socket socket = new Socket(LOOPBACK, server.address().getPort())) {
      socket.setSoTimeout(20_000);
      send(socket, Frame.request(0, Priority.JOURNAL, new Message.Hello(1, 1, 0, "web01", "test")));
      assertInstanceOf(Message.Welcome.class, receive(socket));
      Message upload = new Message.PutBlocks(Collections.nCopies(8, block(7, BlockId.BLOCK_BYTES)));
      byte[] bytes = bytes(Frame.request(1, Priority.DEMAND, upload));
      // Takes longer than the limit of a frame, and than a silent client is borne with.
      for (int at = 0; at < bytes.length; at += 1 << 14) {
        socket.getOutputStream().write(bytes, at, Math.min(1 << 14, bytes.length - at));
        Thread.sleep(60);
      }
      // Its own question would have come after the frame: the server speaks unasked.
      Message answer = receive(socket);
      assertInstanceOf(Message.Ping.class, answer);
      while (answer instanceof Message.Ping) {
        answer = receive(socket);
      }
      assertInstanceOf(Message.Done.class, answer);
    }
  }

  @Test
  void silentClientIsGivenUp() throws Exception {
    restart(
        config()
            .withTimeouts(
                new ServerTimeouts(
                    Duration.ofSeconds(5),
                    Duration.ofSeconds(5),
                    Duration.ofMillis(100),
                    Duration.ofSeconds(5),
                    Duration.ofSeconds(1))));
    // A live client answers the server's pings; one that is stopped does not.
    ApplianceClient alive = connect(NODE);
    Session aliveSession = take(service.opened);
    try (Socket stopped = new Socket(LOOPBACK, server.address().getPort())) {
      send(
          stopped, Frame.request(0, Priority.JOURNAL, new Message.Hello(1, 1, 0, "web02", "test")));
      assertEquals("web02", take(service.opened).node());
      assertEquals("web02", take(service.closed).node());
    }
    assertTrue(aliveSession.isOpen());
    ApplianceClient.await(alive.ping());
  }

  private static void send(Socket socket, Frame frame) throws IOException {
    socket.getOutputStream().write(bytes(frame));
  }

  private static byte[] bytes(Frame frame) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (ByteBuffer part : frame.parts()) {
      byte[] piece = new byte[part.remaining()];
      part.get(piece);
      bytes.writeBytes(piece);
    }
    return bytes.toByteArray();
  }

  @Test
  void clientThatDoesNotReadHoldsUpNobodyElse() throws Exception {
    restart(
        config()
            .withBounds(bounds -> bounds.withMemory(16 << 20, 4 << 20))
            .withTimeouts(
                new ServerTimeouts(
                    Duration.ofSeconds(5),
                    Duration.ofSeconds(5),
                    Duration.ofMillis(600),
                    Duration.ofSeconds(5),
                    Duration.ofSeconds(1))));
    StoredBlock block = block(1, BlockId.BLOCK_BYTES);
    service.blocks.put(block.id(), block);
    List<BlockId> many = Collections.nCopies(32, block.id());
    try (Socket deaf = new Socket(LOOPBACK, server.address().getPort())) {
      send(deaf, Frame.request(0, Priority.JOURNAL, new Message.Hello(1, 1, 0, "deaf", "test")));
      assertEquals("deaf", take(service.opened).node());
      assertTrue(deaf.getInputStream().read() >= 0); // Welcome's first byte
      for (int i = 1; i <= 100; i++) {
        send(deaf, Frame.request(i, Priority.DEMAND, new Message.GetBlocks(SCOPE, many)));
      }
      ApplianceClient client = connect(NODE);
      for (int i = 0; i < 5; i++) {
        ApplianceClient.await(client.getBlocks(SCOPE, many, Priority.DEMAND));
      }
      assertEquals("deaf", take(service.closed).node());
    }
  }

  @Test
  void uploadsOfManyShareABoundedHeap() throws Exception {
    restart(config().withBounds(bounds -> bounds.withMemory(16 << 20, 4 << 20)));
    List<CompletableFuture<Message.Done>> uploads = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      ApplianceClient client = connect(ClientConfig.node("web0" + i, "test"));
      for (int j = 0; j < 4; j++) {
        List<StoredBlock> batch = new ArrayList<>();
        for (int k = 0; k < 32; k++) {
          batch.add(block(k, BlockId.BLOCK_BYTES));
        }
        uploads.add(client.putBlocks(batch, Priority.PREFETCH));
      }
    }
    for (CompletableFuture<Message.Done> upload : uploads) {
      upload.get();
    }
  }

  @Test
  void connectionsAreBounded() throws Exception {
    restart(config().withBounds(bounds -> bounds.withConnections(3, 2)));
    connect(NODE);
    ApplianceClient second = connect(NODE);
    ApplianceException e = assertThrows(ApplianceException.class, () -> connect(NODE));
    assertEquals(FailureCode.UNAVAILABLE, e.code());
    assertTrue(e.getMessage().contains("too many connections"), e.getMessage());
    take(service.opened);
    take(service.opened);
    second.close();
    take(service.closed);
    connect(NODE);
  }

  @Test
  void usedPortIsSaidInOneLine() {
    ServerConfig same = ServerConfig.listen("127.0.0.1", server.address().getPort(), "MapFS test");
    IOException e = assertThrows(IOException.class, () -> BlockServer.start(same, service));
    assertEquals(
        "cannot listen on 127.0.0.1:"
            + server.address().getPort()
            + ": the port is in use; is an appliance running already, or choose another with"
            + " --listen",
        e.getMessage());
  }

  @Test
  void plainTcpBeyondLoopbackIsRefused() {
    IOException e =
        assertThrows(
            IOException.class,
            () -> BlockServer.start(ServerConfig.listen("0.0.0.0", 0, "MapFS test"), service));
    assertTrue(e.getMessage().contains("--insecure"), e.getMessage());
  }

  @Test
  void stoppingFinishesWhatIsInFlight() throws Exception {
    ApplianceClient client = connect(NODE);
    service.gate = new CountDownLatch(1);
    CompletableFuture<Message.OverlayPosition> inFlight = client.getPosition("web01");
    take(service.entered);
    CompletableFuture<Void> stopped =
        CompletableFuture.runAsync(
            () -> {
              try {
                server.close();
              } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
              }
            });
    ApplianceException refused = null;
    while (refused == null) {
      try {
        client.ping().get();
        client.getHead("web01", new byte[0]).get();
      } catch (ExecutionException e) {
        refused = (ApplianceException) e.getCause();
      }
    }
    assertEquals(FailureCode.UNAVAILABLE, refused.code());
    service.gate.countDown();
    assertEquals(2, inFlight.get().sequence());
    stopped.get();
    take(service.closed);
  }
}
