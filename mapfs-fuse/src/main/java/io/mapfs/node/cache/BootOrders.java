package io.mapfs.node.cache;

import io.mapfs.core.tree.BootOrder;
import java.io.IOException;

/** Where the order of a master's boots is kept: port to the appliance. */
public interface BootOrders {
  /** The order of a boot before this one; {@code null} if none is known. */
  BootOrder get() throws IOException;

  /** Keeps this boot's for the next. */
  void put(BootOrder order) throws IOException;
}
