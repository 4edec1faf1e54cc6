package io.mapfs.server.store;

import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.server.store.ControlRecords.MasterRecord;
import io.mapfs.server.store.ControlRecords.VersionRecord;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The imports that run, one of a master at a time, each owned by the connection that began it. Safe
 * for concurrent use.
 */
public final class Imports {
  private static final Logger LOG = LoggerFactory.getLogger(Imports.class);

  private final Repository repository;
  private final Blocks blocks;
  private final ControlStore control;
  private final SpaceReserve space;

  /** By master; protected by itself. */
  private final Map<String, Running> running = new HashMap<>();

  private record Running(Import running, Object owner) {}

  Imports(Repository repository, Blocks blocks, ControlStore control, SpaceReserve space) {
    this.repository = repository;
    this.blocks = blocks;
    this.control = control;
    this.space = space;
  }

  /** Begins an import for an owner; {@code create}: the master may be new. */
  public Import begin(Object owner, String masterName, boolean create, String comment)
      throws IOException, ApplianceException {
    Names.require("master", masterName);
    space.require(1);
    synchronized (running) {
      if (running.containsKey(masterName)) {
        throw new ApplianceException(
            FailureCode.CONFLICT,
            "an import of '" + masterName + "' is running: wait for it, or stop it");
      }
      MasterRecord master = control.get(ControlTable.MASTERS, masterName);
      if (master == null) {
        if (!create) {
          // Says which exist.
          repository.master(masterName);
        }
        // Becomes visible with its first version. Inode 1 is the root's.
        master = new MasterRecord(masterName, control.nowMillis(), 0, 2);
      }
      String id = "i" + control.nextId("import");
      Import begun =
          new Import(
              id,
              master,
              repository.next(master),
              comment,
              repository.masterDirectory(masterName).resolve(id + Repository.PART_SUFFIX),
              repository,
              blocks,
              control);
      running.put(masterName, new Running(begun, owner));
      return begun;
    }
  }

  private Import find(Object owner, String id) throws ApplianceException {
    synchronized (running) {
      for (Running candidate : running.values()) {
        if (candidate.owner() == owner && candidate.running().id().equals(id)) {
          return candidate.running();
        }
      }
    }
    throw new ApplianceException(
        FailureCode.NOT_FOUND, "this connection has no import '" + id + "'");
  }

  /** Whether the owner imports this master now. */
  public boolean isImporting(Object owner, String master) {
    synchronized (running) {
      Running found = running.get(master);
      return found != null && found.owner() == owner;
    }
  }

  /** Whether anybody imports anything now. */
  public boolean isImporting() {
    synchronized (running) {
      return !running.isEmpty();
    }
  }

  public boolean isImporting(Object owner) {
    synchronized (running) {
      return running.values().stream().anyMatch(found -> found.owner() == owner);
    }
  }

  public void putTree(Object owner, String id, long offsetBytes, ByteBuffer data)
      throws IOException, ApplianceException {
    space.require(data.remaining());
    Import found = find(owner, id);
    synchronized (found) {
      found.putTree(offsetBytes, data);
    }
  }

  public VersionRecord commit(
      Object owner, String id, long treeBytes, String hash, long newBlocks, long newStoredBytes)
      throws IOException, ApplianceException {
    Import found = find(owner, id);
    synchronized (found) {
      VersionRecord version = found.commit(treeBytes, hash, newBlocks, newStoredBytes);
      synchronized (running) {
        running.remove(found.master());
      }
      return version;
    }
  }

  public void abort(Object owner, String id) throws IOException, ApplianceException {
    end(find(owner, id));
  }

  private void end(Import found) throws IOException {
    synchronized (found) {
      found.abort();
    }
    synchronized (running) {
      running.remove(found.master());
    }
  }

  /** Ends what a connection that is gone had begun. */
  public void release(Object owner) {
    Import found;
    while ((found = anyOf(owner)) != null) {
      try {
        end(found);
      } catch (IOException e) {
        // Its file is removed at the next open; the master is free again.
        LOG.warn("cannot clean up import {}", found.id(), e);
        synchronized (running) {
          running.remove(found.master());
        }
      }
    }
  }

  private Import anyOf(Object owner) {
    synchronized (running) {
      for (Running candidate : running.values()) {
        if (candidate.owner() == owner) {
          return candidate.running();
        }
      }
      return null;
    }
  }
}
